import { Running, type RunningAgent, RunningQuery } from '../../contract/http/running.ts';
import { riskOf } from '../../core/risk.ts';
import { drillsUnderWay } from '../../store/drills.ts';
import { type RunningAgentRecord, runningAgents } from '../../store/running-agents.ts';
import { labelsOf } from '../agent-labels.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';

const withinMs = 5 * 60_000;
const mostLabels = 100;

export const listRunning = defineEndpoint({
  method: 'get',
  path: '/v1/running',
  id: 'listRunning',
  summary: 'Which agents run now, those that a person should look at first',
  permission: 'task:read',
  input: { path: nothing, query: RunningQuery, body: nothing },
  answers: [{ status: 200, description: 'The riskiest first', schema: Running }],
  problems: [],
  look: async ({ query }, deps) => {
    const now = deps.clock.now();
    const [agents, drills] = await Promise.all([runningAgents(deps.store, withinMs), drillsUnderWay(deps.store)]);
    const running = agents.map((record) => show(record, now));
    const matching = running
      .filter((agent) => isFound(agent, query.search ?? '') && carries(agent, query.label ?? ''))
      .toSorted((one, other) => other.risk - one.risk || (one.agentId < other.agentId ? -1 : 1));
    const labels = [...new Set(running.flatMap((agent) => Object.entries(agent.labels).map((pair) => pair.join('='))))];
    return {
      takenAt: new Date(now).toISOString(),
      agents: running.length,
      tasks: total(running, ({ openTasks }) => openTasks),
      drills: drills.map(({ connectorId }) => connectorId).toSorted(),
      pendingApprovals: total(running, ({ pendingApprovals }) => pendingApprovals),
      matching: matching.length,
      labels: labels.toSorted().slice(0, mostLabels),
      items: matching.slice(0, query.limit),
    };
  },
});

function show(record: RunningAgentRecord, now: number): RunningAgent {
  const { agentId, owner, stopHolder, openTasks, heldTasks, oldestAt, pendingApprovals, trips } = record;
  const lately = {
    calls: record.calls,
    denied: record.denied,
    errors: record.errors,
    microcents: record.microcents,
  };
  const oldestMs = Math.max(0, now - Date.parse(oldestAt));
  const risk = riskOf({ ...lately, pendingApprovals, oldestMs, trips: trips.map(({ action }) => action) });
  return {
    agentId,
    owner,
    stopHolder,
    labels: labelsOf(record.labelKeys),
    openTasks,
    heldTasks,
    oldestAt,
    lately,
    pendingApprovals,
    trips: [...trips],
    stoppedBy: record.stopId ?? null,
    risk: risk.score,
    because: [...risk.because],
  };
}

const isFound = (agent: RunningAgent, search: string): boolean =>
  [agent.agentId, agent.owner, agent.stopHolder].some((text) => text.toLowerCase().includes(search.toLowerCase()));

function carries(agent: RunningAgent, label: string): boolean {
  if (label === '') return true;
  return Object.entries(agent.labels).some(([name, value]) => `${name}=${value}` === label);
}

const total = (agents: readonly RunningAgent[], amount: (agent: RunningAgent) => number): number =>
  agents.reduce((sum, agent) => sum + amount(agent), 0);
