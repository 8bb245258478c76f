import type { AgentSpec, EstopConfig, ModelSpec, ToolServerSpec } from '../contract/config.ts';
import { haveGrant, type Line, lineOf, markIn } from '../contract/delegation.ts';
import type { Tier } from '../core/flow/facts.ts';

/** How far out something is. `unknown` is read as far out. */
export type Boundary = 'machine' | 'private' | 'public' | 'unknown';

export interface Reached {
  readonly kind: 'tool' | 'credential' | 'model';
  /** Of which server, connector or model: what the map draws as one box. */
  readonly at: string;
  readonly name: string;
  readonly tier: Tier | null;
  /** `policy` may still ask a person; these are what estop.yaml says by itself. */
  readonly decides: 'policy' | 'one person' | 'two people' | 'nobody, once it is handed over';
  readonly across: Boundary;
  /** The agents by which it is reached, this one first. */
  readonly by: readonly string[];
  /** Only through another agent: what this one is not given itself. */
  readonly isEscalation: boolean;
}

/** A tool on record, as far as this needs it. */
export interface RecordedTool {
  readonly tool: string;
  readonly tier: Tier;
}

const mostItems = 400;

/**
 * Everything that an agent can reach, itself and through agents that its tasks may start. From the configuration that is in force
 * and the tools on record: no claim that policy lets it, only that nothing but policy and people stands in between.
 */
export function reachOf(agentId: string, config: EstopConfig, tools: readonly RecordedTool[]): readonly Reached[] {
  const found = new Map<string, Reached>();
  const note = (item: Reached): void => {
    const key = `${item.kind} ${item.at} ${item.name}`;
    if (!found.has(key) && found.size < mostItems) found.set(key, item);
  };
  // Nearest first: what is reached directly is not called an escalation.
  for (const by of linesFrom(agentId, config)) {
    const find = (id: string): AgentSpec | undefined => config.agents.find((one) => one.agentId === id);
    const line = lineOf(find, by.at(-1) ?? '', by);
    if (line !== undefined)
      for (const item of givenTo(line, config, tools)) note({ ...item, by, isEscalation: by.length > 1 });
  }
  return [...found.values()];
}

/** The shortest line of agents to each that may be started, in order of length. */
function linesFrom(agentId: string, config: EstopConfig): readonly (readonly string[])[] {
  const lines: (readonly string[])[] = [[agentId]];
  const seen = new Set([agentId]);
  for (const line of lines) {
    const agent = config.agents.find((one) => one.agentId === line.at(-1));
    for (const next of agent?.mayStart ?? []) {
      if (seen.has(next)) continue;
      seen.add(next);
      lines.push([...line, next]);
    }
  }
  return lines;
}

type Given = Omit<Reached, 'by' | 'isEscalation'>;

function givenTo(line: Line, config: EstopConfig, tools: readonly RecordedTool[]): readonly Given[] {
  const [agent] = line;
  const models = [agent.model, ...(agent.models ?? [])];
  return [
    ...Object.keys(agent.tools).flatMap((key) => toolsOf(key, line, config, tools)),
    ...agent.grants
      .filter((grant) => haveGrant(line, grant))
      .map((grant): Given => {
        const connector = config.connectors.find(({ connectorId }) => connectorId === grant.connector);
        return {
          kind: 'credential',
          at: grant.connector,
          name: `${grant.name}${connector === undefined ? '' : ` (${connector.system})`}`,
          tier: null,
          decides: 'nobody, once it is handed over',
          across: 'unknown',
        };
      }),
    ...[...new Set(models)].map((modelId): Given => {
      const model = config.models.find((one) => one.modelId === modelId);
      return {
        kind: 'model',
        at: modelId,
        name: model?.model ?? modelId,
        tier: null,
        decides: 'policy',
        across: boundaryOfModel(model),
      };
    }),
  ];
}

function toolsOf(key: string, line: Line, config: EstopConfig, tools: readonly RecordedTool[]): readonly Given[] {
  const [serverId = '', name = ''] = key.split('/');
  const server = config.toolServers.find((one) => one.serverId === serverId);
  const [agent] = line;
  const given = (tool: string): readonly Given[] => {
    const own = tool.slice(serverId.length + 1);
    const mark = markIn(line, { serverId, name: own });
    if (mark === undefined) return [];
    const decided = server?.tiers !== undefined && Object.hasOwn(server.tiers, own) ? server.tiers[own] : undefined;
    const isForTwo = line.some(({ approvers }) => (approvers?.[tool] ?? approvers?.[`${serverId}/*`]) === 2);
    const item: Given = {
      kind: 'tool',
      at: serverId,
      name: tool,
      tier: decided ?? tools.find((one) => one.tool === tool)?.tier ?? null,
      decides: mark === 'allow' ? 'policy' : isForTwo ? 'two people' : 'one person',
      across: boundaryOfServer(server),
    };
    return [item];
  };
  if (name !== '*') return given(key);
  const known = tools.filter(({ tool }) => tool.startsWith(`${serverId}/`) && !Object.hasOwn(agent.tools, tool));
  return known.length === 0 ? given(key) : known.flatMap(({ tool }) => given(tool));
}

function boundaryOfServer(server: ToolServerSpec | undefined): Boundary {
  if (server?.process !== undefined) return 'machine';
  return server?.url === undefined ? 'unknown' : boundaryOfHost(server.url);
}

function boundaryOfModel(model: ModelSpec | undefined): Boundary {
  if (model === undefined) return 'unknown';
  if (model.baseUrl !== undefined) return boundaryOfHost(model.baseUrl);
  return model.network === 'loopback' ? 'machine' : (model.network ?? 'public');
}

/** By name alone: nothing is looked up for a picture. */
function boundaryOfHost(url: string): Boundary {
  const host = URL.parse(url)?.hostname ?? '';
  if (host === 'localhost' || host.startsWith('127.') || host === '[::1]') return 'machine';
  if (/^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|169\.254\.|\[f[cd])/.test(host)) return 'private';
  if (/\.(internal|local|lan|svc|cluster\.local)$/.test(host) || !host.includes('.')) return 'private';
  return 'public';
}
