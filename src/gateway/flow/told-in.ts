import type { Line } from '../../contract/delegation.ts';
import type { FlowCall } from '../../core/flow/call.ts';
import { toldTo } from '../../core/flow/not-a-tool.ts';
import { reachListedIn } from '../checks/reach-scope.ts';
import type { Reach } from '../upstream/reach.ts';
import { isRecord } from '../upstream/read-reply.ts';

export interface ToldIn {
  readonly call: FlowCall;
  /** A server is told something that the agent chose. */
  readonly says: boolean;
}

/** What servers are told with what is asked of them besides their tools; a name that the agent's list has to the letter is the list's. */
export function toldIn(line: Line, reaches: readonly Reach[]): ToldIn {
  const values = reaches.flatMap(({ method, params }) => {
    if (method === 'prompts/get') return [params['arguments']];
    return method === 'completion/complete' ? [params['argument'], params['context']] : [];
  });
  const addresses = reaches.flatMap((reach) =>
    addressesOf(reach).filter((name) => reachListedIn(line, { ...reach, name }) !== 'exact'),
  );
  const answers = reaches.map(({ params }) => params['inputResponses']).find((given) => given !== undefined);
  const call = toldTo(reaches[0]?.server.spec.serverId ?? '', { values, addresses, answers });
  return { call, says: call.profile.arguments.length > 0 || addresses.length > 0 || answers !== undefined };
}

function addressesOf({ method, name, params }: Reach): readonly string[] {
  if (method !== 'subscriptions/listen') return name === undefined ? [] : [name];
  const { notifications } = params;
  const uris = isRecord(notifications) ? notifications['resourceSubscriptions'] : undefined;
  return (Array.isArray(uris) ? uris : []).filter((uri): uri is string => typeof uri === 'string');
}
