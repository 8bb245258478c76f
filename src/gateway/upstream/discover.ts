import {
  Client,
  type ServerCapabilities,
  StreamableHTTPClientTransport,
  type Tool,
} from '@modelcontextprotocol/client';
import { boundedFetch } from './bounded-fetch.ts';
import { holdsSecret, secretsIn } from './holds-secret.ts';
import type { UpstreamSession } from './session.ts';

export interface Discovery {
  readonly session: UpstreamSession;
  readonly tools: readonly Tool[];
  readonly capabilities: ServerCapabilities;
  /** Ends the connection that listed; calls go over sockets of their own. */
  close(): Promise<void>;
}

const discoveryTimeoutMs = 10_000;

/**
 * The official client finds out which revision the server speaks, shakes hands and walks the pages of its list. It is used for
 * nothing else: see session.ts for why calls are written by hand.
 */
export async function discover(url: URL, authorization: string | undefined): Promise<Discovery> {
  const client = new Client({ name: 'estop-gateway', version: '1' }, { versionNegotiation: { mode: 'auto' } });
  const requestInit = authorization === undefined ? {} : { headers: { authorization } };
  const transport = new StreamableHTTPClientTransport(url, { requestInit, fetch: boundedFetch() });
  const close = (): Promise<void> => client.close().catch(() => undefined);
  try {
    await client.connect(transport, { timeout: discoveryTimeoutMs });
    const capabilities = client.getServerCapabilities() ?? {};
    const { tools } =
      capabilities.tools === undefined
        ? { tools: [] }
        : await client.listTools(undefined, { timeout: discoveryTimeoutMs });
    const era = client.getProtocolEra() === 'modern' ? 'modern' : 'legacy';
    const version = client.getNegotiatedProtocolVersion() ?? '2025-03-26';
    return {
      session: { url, era, version, sessionId: transport.sessionId, authorization },
      // What they say of themselves is recorded and shown to people.
      tools: tools.filter((tool) => !holdsSecret(tool, secretsIn(authorization))),
      capabilities,
      close,
    };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}
