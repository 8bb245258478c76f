import type { ReachMethod } from '../mcp/methods.ts';
import type { ToolServer } from './tool-server.ts';

/** What one request reaches for at one upstream, besides a tool, in that upstream's own words. */
export interface Reach {
  readonly server: ToolServer;
  readonly method: ReachMethod;
  /** The scope key by which a stop names it. */
  readonly scopeKey: string;
  /** A URI or the name of a prompt: what scope decides on. */
  readonly name?: string;
  readonly params: Readonly<Record<string, unknown>>;
}
