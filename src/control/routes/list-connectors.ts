import { ConnectorPage, type ConnectorReadiness } from '../../contract/http/connectors.ts';
import {
  type ConnectorStanding,
  type ConnectorUse,
  connectorStandings,
  connectorUses,
} from '../../store/connector-checks.ts';
import { newestDrills, provedDrills } from '../../store/drills.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { showDrill } from '../show-drill.ts';

/** Three rounds of asking: an answer that is older says nothing of now. */
const staleMs = 3 * 60_000;

export const listConnectors = defineEndpoint({
  method: 'get',
  path: '/v1/connectors',
  id: 'listConnectors',
  summary: 'The systems that credentials come from, and whether each could be cut off now',
  permission: 'agent:read',
  input: { path: nothing, query: nothing, body: nothing },
  answers: [{ status: 200, description: 'All of them, by id', schema: ConnectorPage }],
  problems: [],
  look: async (_input, deps) => {
    const { connectors, agents, drills: schedule = [] } = deps.config.current();
    const ids = connectors.map(({ connectorId }) => connectorId);
    const [standings, drills, proved, uses] = await Promise.all([
      connectorStandings(deps.store, ids),
      newestDrills(deps.store, ids),
      provedDrills(deps.store, ids),
      connectorUses(deps.store, ids),
    ]);
    const drillOf = new Map(drills.map((drill) => [drill.connectorId, showDrill(drill)]));
    const items = standings.map(
      (standing): ConnectorReadiness => ({
        connectorId: standing.connectorId,
        system: connectors.find(({ connectorId }) => connectorId === standing.connectorId)?.system ?? 'unknown',
        ready: readyOf(standing, deps.clock.now()),
        findings: [...standing.findings],
        checkedAt: standing.checkedAt ?? null,
        since: standing.since ?? null,
        tookMs: standing.tookMs ?? null,
        agents: agents
          .filter(({ grants }) => grants.some(({ connector }) => connector === standing.connectorId))
          .map(({ agentId }) => agentId),
        liveGrants: standing.liveGrants,
        openObligations: standing.openObligations,
        needsHuman: standing.needsHuman,
        ...usedBy(uses.filter(({ connectorId }) => connectorId === standing.connectorId)),
        lastProvedAt: standing.provedAt ?? null,
        lastDrill: drillOf.get(standing.connectorId) ?? null,
        drillProvedAt: proved.get(standing.connectorId) ?? null,
        drillEveryMs: schedule.find(({ connectorId }) => connectorId === standing.connectorId)?.everyMs ?? null,
      }),
    );
    return { items, next: null };
  },
});

function readyOf({ ok, checkedAt }: ConnectorStanding, now: number): ConnectorReadiness['ready'] {
  if (ok === undefined || checkedAt === undefined || now - Date.parse(checkedAt) > staleMs) return 'unknown';
  return ok ? 'yes' : 'no';
}

const usedBy = (uses: readonly ConnectorUse[]): Pick<ConnectorReadiness, 'heldBy' | 'endedBy'> => ({
  heldBy: uses.flatMap(({ taskId, agentId }) =>
    taskId === undefined || agentId === undefined ? [] : [{ taskId, agentId }],
  ),
  endedBy: uses.flatMap(({ stopId, scopeKey }) =>
    stopId === undefined || scopeKey === undefined ? [] : [{ stopId, scopeKey }],
  ),
});
