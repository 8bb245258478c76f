import type { ClientSession } from './client-session.ts';
import type { Era, RequestId } from './era.ts';

/** Who speaks MCP here, and what it said of itself with this request. */
export interface McpClient {
  readonly era: Era;
  /** The server whose endpoint was asked; absent: the endpoint of all. */
  readonly endpoint: string | undefined;
  readonly requestId: RequestId | undefined;
  /** What it can be asked by an upstream. */
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly logLevel: string | undefined;
  readonly progressToken: RequestId | undefined;
  /** Only of a client of the older revisions that shook hands. */
  readonly session: ClientSession | undefined;
  /** Writes, in this tick, what comes before the answer. False: there is no way to say it to this client. */
  readonly relay: (message: object) => boolean;
  /** Its request is on the way: from here on what comes back comes as a stream, if it takes one and keeps a session. */
  readonly sent: () => void;
  /** Closes its connection, at once. */
  readonly hangUp: () => void;
}
