import type { JsonObject, JsonValue } from '../json/parse-strict.ts';
import type { SaidTo } from '../mcp/servers-words.ts';
import { type Answer, known, type Passage } from '../passage.ts';

/** A question goes out with its server's own state beside it: marked, so that only that comes back, for the same call. */
export function markState(passage: Passage, result: Answer): Answer {
  const state = result['requestState'];
  const to = toWhom(passage);
  if (typeof state !== 'string') return result;
  const { requestState: _none, ...rest } = result;
  return to === undefined ? rest : { ...rest, requestState: passage.host.serversWords.give(to, state) };
}

/** As the server gave it; undefined: it gave none like it. Without a state there is nothing to look at. */
export function readState({ host }: Passage, to: SaidTo, params: JsonObject): JsonObject | undefined {
  const shown: JsonValue | undefined = params['requestState'];
  if (shown === undefined) return params;
  const requestState = host.serversWords.take(to, shown);
  return requestState === undefined ? undefined : { ...params, requestState };
}

export function saidTo(passage: Passage, serverId: string, method: string, name: string | undefined): SaidTo {
  return { taskId: known(passage.facts.claims).taskId, serverId, about: `${method} ${name ?? ''}` };
}

function toWhom(passage: Passage): SaidTo | undefined {
  const { tool, reaches } = passage.facts;
  if (tool !== undefined) return saidTo(passage, tool.pin.serverId, 'tools/call', tool.pin.name);
  const [reach, ...others] = reaches ?? [];
  if (reach === undefined || others.length > 0) return undefined;
  return saidTo(passage, reach.server.spec.serverId, reach.method, reach.name);
}
