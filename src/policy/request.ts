import type { Tier } from '../core/flow/facts.ts';
import type { Judgement } from '../core/flow/judge.ts';
import type { Kind } from './kinds.ts';
import type { KnownTool } from './tool-shape.ts';

/** How the agent's own list names the tool: itself, with all of its server, or to ask each time. */
export type Listed = 'exact' | 'wildcard' | 'ask';

/**
 * What is known of where the values of a call come from. `not-opened`: nobody registered what the user asked for, so there is
 * nothing to compare with. The others: there is, and something of it is missing.
 */
export type Trace =
  | { readonly kind: 'known'; readonly judgement: Pick<Judgement, 'facts' | 'findings'> }
  | { readonly kind: 'unknown'; readonly why: 'not-opened' | 'incomplete' | 'unavailable' };

/** What is known of every request, whatever it asks for. What is undefined is not known, and is never a reason to allow. */
export interface Known {
  readonly agent: {
    readonly agentId: string;
    readonly owner: string;
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly listed: Listed | undefined;
  readonly environment: string;
  readonly purpose?: string | undefined;
  readonly flow: Trace;
  readonly spend?: { readonly task: Spent; readonly agent: Spent } | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export interface Spent {
  readonly cents: number;
  readonly tokens: number;
  readonly calls: number;
}

/** One call of a tool as policy sees it. */
export interface PolicyRequest extends Known {
  readonly tool: KnownTool;
  readonly args: Readonly<Record<string, unknown>>;
  readonly tier: Tier | undefined;
  readonly labels: readonly string[] | undefined;
}

/** Anything else: a model that is asked, or what a server has besides its tools. */
export interface KindRequest extends Known {
  readonly kind: Kind;
  readonly resource:
    | { readonly type: 'Model'; readonly id: string; readonly provider: string }
    | { readonly type: 'Server' | 'Connector'; readonly id: string };
  /** Of MCP; `name`: a URI, the name of a prompt or of a grant, or nothing for a list. */
  readonly method?: string | undefined;
  readonly name?: string | undefined;
  /** A server would be told something that the agent chose. */
  readonly says?: boolean | undefined;
  /** Of a grant. */
  readonly issued?: 'at-start' | 'first-use' | undefined;
}
