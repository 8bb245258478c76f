import type { Tier } from '../core/flow/facts.ts';
import type { Judgement } from '../core/flow/judge.ts';
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

/** One call as policy sees it. What is undefined is not known, and is never a reason to allow. */
export interface PolicyRequest {
  readonly agent: {
    readonly agentId: string;
    readonly owner: string;
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly tool: KnownTool;
  readonly args: Readonly<Record<string, unknown>>;
  readonly listed: Listed | undefined;
  readonly tier: Tier | undefined;
  readonly labels: readonly string[] | undefined;
  readonly environment: string;
  readonly purpose?: string | undefined;
  readonly flow: Trace;
  readonly spend?: { readonly cents: number; readonly tokens: number; readonly calls: number } | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}
