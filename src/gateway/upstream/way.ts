import type { ServerCapabilities, Tool } from '@modelcontextprotocol/client';
import type { Destination } from '../call/live-call.ts';
import type { ClientLink, LinkSpec } from './client-link.ts';
import type { Prepared } from './prepared.ts';
import type { OutgoingCall } from './session.ts';
import type { TaskChildSpec } from './task-child.ts';

export interface Discovered {
  readonly tools: readonly Tool[];
  readonly capabilities: ServerCapabilities;
}

/** How a server is reached: over HTTP, or as a process of our own. */
export interface Way {
  /** Shakes hands anew and lists. What was there before goes on being used if it fails. */
  discover(): Promise<Discovered>;
  /** Undefined: it cannot be called now. */
  prepare(call: OutgoingCall): { readonly call: Prepared; readonly body: string } | undefined;
  /** A client's own session. Undefined: there is none to be had, and the client shares the gateway's. */
  openLink(spec: LinkSpec, version: string): Promise<ClientLink | undefined>;
  /** Of processes: the one of this task. */
  forTask?(taskId: string, spec: TaskChildSpec): Destination | undefined;
  close(): Promise<void>;
}
