import type { FlowFacts, Tier } from '../core/flow/facts.ts';
import type { Finding } from '../core/flow/judge.ts';
import type { KnownTool } from './tool-shape.ts';

/** How the agent's own list names the tool: itself, with all of its server, or to ask each time. */
export type Listed = 'exact' | 'wildcard' | 'ask';

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
  readonly flow: { readonly facts: FlowFacts; readonly findings: readonly Finding[] } | undefined;
  readonly spend?: { readonly cents: number; readonly tokens: number; readonly calls: number } | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}
