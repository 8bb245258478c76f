import { traceHeaders } from '../../contract/tracing.ts';
import type { Era } from '../mcp/era.ts';
import type { Credential } from '../secrets/credential.ts';

/** How one upstream server wants to be spoken to: found out at discovery or at a client's own handshake, used for every call. */
export interface UpstreamSession {
  readonly url: URL;
  readonly era: Era;
  readonly version: string;
  /** Only of servers of the older revisions that keep sessions. */
  readonly sessionId: string | undefined;
  /** The upstream's own credential. It is added here and nowhere else; agents never see it. */
  readonly authorization: string | undefined;
}

/** What of the client's own words goes on to the upstream. Everything else of its `_meta` stays here. */
export interface ClientWords {
  /** What the client can be asked. None are told where nobody could answer. */
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly logLevel?: string;
  readonly wantsProgress: boolean;
}

/** `callId` is the request's id on the wire: an upstream's log and the ledger name the same call by the same word. */
export interface OutgoingCall {
  readonly callId: string;
  readonly taskId: string;
  readonly agentId: string;
  readonly method: string;
  /** What the newer revision repeats in a header: the tool, the prompt, the URI. */
  readonly name?: string;
  /** The canonical text of the parameters, an object without `_meta`. */
  readonly params: string;
  readonly client?: ClientWords;
  /** `null`: with none. Absent: the gateway asks in its own name, for a list. */
  readonly credential?: Credential | null;
}

export interface WireRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The session with the credential of this very call. */
export function inNameOf({ credential }: OutgoingCall, session: UpstreamSession): UpstreamSession {
  return credential === undefined ? session : { ...session, authorization: credential?.header };
}

const clientInfo = { name: 'estop-gateway', version: '1' };

/**
 * The request, written by hand around the canonical bytes: a client library would serialise them again, and what is sent must
 * be, byte for byte, what was hashed and shown.
 */
export function wireRequest(session: UpstreamSession, call: OutgoingCall): WireRequest {
  const { callId, client, params } = call;
  const meta = JSON.stringify({
    'estop/taskId': call.taskId,
    'estop/agentId': call.agentId,
    ...traceHeaders(),
    ...(client?.wantsProgress === true ? { progressToken: callId } : {}),
    ...(session.era === 'modern' ? modernMeta(session.version, client) : {}),
  });
  const withMeta = params === '{}' ? `{"_meta":${meta}}` : `${params.slice(0, -1)},"_meta":${meta}}`;
  return {
    headers: headersOf(session, call),
    body: `{"jsonrpc":"2.0","id":${JSON.stringify(callId)},"method":${JSON.stringify(call.method)},"params":${withMeta}}`,
  };
}

export function headersOf(
  session: UpstreamSession,
  { method, name }: { readonly method?: string; readonly name?: string },
): WireRequest['headers'] {
  return {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': session.version,
    ...traceHeaders(),
    ...(session.era === 'modern' && method !== undefined ? { 'mcp-method': method } : {}),
    ...(session.era === 'modern' && name !== undefined ? { 'mcp-name': asHeader(name) } : {}),
    ...(session.sessionId === undefined ? {} : { 'mcp-session-id': session.sessionId }),
    ...(session.authorization === undefined ? {} : { authorization: session.authorization }),
  };
}

/** Nobody is to be asked unless there is a client that said that it can answer. */
function modernMeta(version: string, client: ClientWords | undefined): object {
  return {
    'io.modelcontextprotocol/protocolVersion': version,
    'io.modelcontextprotocol/clientInfo': clientInfo,
    'io.modelcontextprotocol/clientCapabilities': client?.capabilities ?? {},
    ...(client?.logLevel === undefined ? {} : { 'io.modelcontextprotocol/logLevel': client.logLevel }),
  };
}

/** What no header can hold goes as base64, in the form that the specification names. */
function asHeader(name: string): string {
  return /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(name) && !name.startsWith('=?')
    ? name
    : `=?base64?${Buffer.from(name).toString('base64')}?=`;
}
