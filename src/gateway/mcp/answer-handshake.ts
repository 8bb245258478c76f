import { mayUseServer } from '../../contract/credential-use.ts';
import type { TaskClaims } from '../../contract/identity.ts';
import type { Answer, GateHost } from '../passage.ts';
import { rightsOf } from '../rights.ts';
import type { ClientSession } from './client-session.ts';
import type { Handshake } from './inbound.ts';
import { capabilitiesOf, sessionAnswer } from './server-card.ts';

/** What the gate answers by itself. A handshake of the older revisions begins a session. Undefined: not without a session. */
export function answerHandshake(
  host: GateHost,
  claims: TaskClaims,
  session: ClientSession | undefined,
  asked: Handshake,
  endpoint: string | undefined,
): { readonly result: Answer; readonly sessionId?: string } | undefined {
  switch (asked.method) {
    case 'ping':
      return { result: {} };
    case 'server/discover':
      return { result: sessionAnswer.discover(capabilitiesOf(serversOf(host, claims, endpoint))) };
    case 'logging/setLevel':
      if (session === undefined) return undefined;
      session.logLevel = asked.level;
      return { result: {} };
    case 'initialize': {
      const { version, capabilities } = asked;
      const result = sessionAnswer.initialize(version, capabilitiesOf(serversOf(host, claims, endpoint)));
      // Without one it is served all the same, and cannot be asked anything.
      const opened = host.sessions.open(claims, { endpoint, version, capabilities });
      return opened === undefined ? { result } : { result, sessionId: opened.spec.id };
    }
  }
}

/** A server of which the agent may use nothing is not told of. */
function serversOf({ config, tools }: GateHost, claims: TaskClaims, endpoint: string | undefined) {
  const line = rightsOf(config.current(), claims);
  if (line === undefined) return [];
  return tools
    .servers()
    .filter(({ spec }) => endpoint === undefined || spec.serverId === endpoint)
    .filter(({ spec }) => line.every((agent) => mayUseServer(agent, spec.serverId)));
}
