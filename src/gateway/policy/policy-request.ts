import type { AgentSpec } from '../../contract/config.ts';
import type { Engine } from '../../policy/engine.ts';
import type { Column } from '../../policy/kinds.ts';
import type { Known, Listed, PolicyRequest } from '../../policy/request.ts';
import { calledIn } from '../checks/tool-known.ts';
import { type Denial, denied, known, type Passage } from '../passage.ts';
import type { Standing } from './task-standings.ts';

/** The call as policy sees it, from what the steps before have found out. */
export function policyRequestOf(passage: Passage): PolicyRequest | Denial {
  const { asked, facts } = passage;
  const call = calledIn(asked);
  if (call === undefined) return denied('internal');
  const { pin } = known(facts.tool);
  return {
    ...knownOf(passage),
    flow: known(facts.flow),
    tool: { serverId: pin.serverId, name: pin.name, inputSchema: pin.definition.inputSchema },
    args: call.arguments,
    listed: listedIn(known(facts.line), pin),
    tier: facts.tier,
    labels: facts.labels,
  };
}

/** What the task was started for and has spent, where a policy looks at it. */
export function findStanding({ host, facts }: Passage, engine: Engine, column: Column): Promise<void> | undefined {
  if (!engine.looksAt(column, 'purpose', 'spend')) return undefined;
  const found = host.standings.of(known(facts.claims).taskId);
  const take = (standing: Standing | undefined): void => {
    if (standing === undefined) delete facts.standing;
    else facts.standing = standing;
  };
  if (found instanceof Promise) return found.then(take);
  take(found);
  return undefined;
}

/** What every kind of request has. Without a look at its data flow nothing is known of it. */
export function knownOf({ host, facts }: Passage): Omit<Known, 'listed'> {
  const { agentId, owner, labels } = known(facts.agent);
  return {
    agent: { agentId, owner, labels },
    environment: host.config.current().environment,
    ...facts.standing,
    flow: facts.flow ?? { kind: 'unknown', why: 'unavailable' },
    now: Date.now(),
  };
}

/** As the strictest of them has it. */
function listedIn(line: readonly AgentSpec[], tool: Parameters<typeof listedAs>[1]): Listed | undefined {
  return strictest(line.map((agent) => listedAs(agent, tool)));
}

function strictest(listed: readonly (Listed | undefined)[]): Listed | undefined {
  if (listed.includes(undefined)) return undefined;
  return (['ask', 'wildcard'] as const).find((one) => listed.includes(one)) ?? 'exact';
}

/** By itself, or with all of its server; the mark of the more exact line counts. */
function listedAs(agent: AgentSpec, tool: { readonly serverId: string; readonly name: string }): Listed | undefined {
  const lines = [`${tool.serverId}/${tool.name}`, `${tool.serverId}/*`] as const;
  const line = lines.find((one) => Object.hasOwn(agent.tools, one));
  if (line === undefined) return undefined;
  if (agent.tools[line] !== 'allow') return 'ask';
  return line === lines[0] ? 'exact' : 'wildcard';
}
