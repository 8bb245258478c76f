/** How one upstream server wants to be spoken to: found out at discovery, used for every call. */
export interface UpstreamSession {
  readonly url: URL;
  readonly era: 'modern' | 'legacy';
  readonly version: string;
  /** Only of servers of the older revisions that keep sessions. */
  readonly sessionId: string | undefined;
  /** The upstream's own credential. It is added here and nowhere else; agents never see it. */
  readonly authorization: string | undefined;
}

/** `callId` is the request's id on the wire: an upstream's log and the ledger name the same call by the same word. */
export interface OutgoingCall {
  readonly callId: string;
  readonly taskId: string;
  readonly agentId: string;
  readonly tool: string;
  readonly canonicalArguments: string;
}

export interface WireRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const clientInfo = { name: 'estop-gateway', version: '1' };

/**
 * The request, written by hand around the canonical argument bytes: a client library would serialise the arguments again, and
 * what is sent must be, byte for byte, what was hashed and shown.
 */
export function toolCallRequest(session: UpstreamSession, call: OutgoingCall): WireRequest {
  const { callId, tool, canonicalArguments } = call;
  const meta = JSON.stringify({
    'estop/taskId': call.taskId,
    'estop/agentId': call.agentId,
    ...(session.era === 'modern' ? modernMeta(session.version) : {}),
  });
  const params = `{"name":${JSON.stringify(tool)},"arguments":${canonicalArguments},"_meta":${meta}}`;
  return {
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': session.version,
      ...(session.era === 'modern' ? { 'mcp-method': 'tools/call', 'mcp-name': tool } : {}),
      ...(session.sessionId === undefined ? {} : { 'mcp-session-id': session.sessionId }),
      ...(session.authorization === undefined ? {} : { authorization: session.authorization }),
    },
    body: `{"jsonrpc":"2.0","id":${JSON.stringify(callId)},"method":"tools/call","params":${params}}`,
  };
}

/** No capability is offered: an upstream that asks its client for input would be asking the agent past the gate. */
function modernMeta(version: string): object {
  return {
    'io.modelcontextprotocol/protocolVersion': version,
    'io.modelcontextprotocol/clientInfo': clientInfo,
    'io.modelcontextprotocol/clientCapabilities': {},
  };
}
