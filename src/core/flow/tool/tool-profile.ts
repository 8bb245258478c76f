/**
 * What a tool never seen is taken for, from its name, description, schema and annotations alone: a proposal that a person
 * reviews. What it does not understand is `destructive`. A server's annotations may raise a tier, never lower it.
 */

import type { Tier } from '../facts.ts';
import type { Family } from '../language/words.ts';
import { familiesOf } from './family.ts';
import { proposeTier } from './tier.ts';
import { argumentsOf, type ToolArgument } from './tool-argument.ts';
import type { ToolDefinition } from './tool-definition.ts';

export interface ToolProfile {
  readonly name: string;
  /** What tells it from a tool of this name elsewhere, or with another definition. */
  readonly key?: string;
  readonly tier: Tier;
  /** Why this tier, in a few words, for the person who reviews it. */
  readonly because: string;
  readonly families: readonly Family[];
  /** The stem of its leading verb: all there is to compare when no family is known. */
  readonly verb: string;
  readonly arguments: readonly ToolArgument[];
  readonly labels: readonly string[];
}

/** What a person or a configuration decided instead of the proposal. */
export interface Reviewed {
  readonly tier?: Tier | undefined;
  readonly labels?: readonly string[] | undefined;
}

export function proposeProfile(tool: ToolDefinition, reviewed: Reviewed = {}): ToolProfile {
  const proposed = proposeTier(tool);
  const tier = reviewed.tier ?? proposed.tier;
  return {
    name: tool.name,
    tier,
    because: reviewed.tier === undefined ? proposed.because : 'reviewed',
    families: familiesOf(tool),
    verb: proposed.verb,
    arguments: argumentsOf(tool, tier),
    labels: reviewed.labels ?? tool.labels ?? labelsOf(tool, tier),
  };
}

const privateThings =
  /\b(?:e?mails?|inbox|letters?|messages?|contacts?|calendar|account|balance|profile|user info\w*|passwords?|secrets?|files?|documents?|transactions?|orders?|chats?|notes?)\b/i;
const strangersThings =
  /\b(?:e?mails?|inbox|letters?|messages?|web ?pages?|websites?|urls?|posts?|comments?|reviews?|issues?|tickets?|chats?|search|files?|documents?)\b/i;

function labelsOf(tool: ToolDefinition, tier: Tier): readonly string[] {
  const text = `${tool.name.replaceAll('_', ' ')} ${(tool.description ?? '').slice(0, 400)}`;
  const labels: string[] = [];
  if (tier === 'read' && privateThings.test(text)) labels.push('private');
  if (tier === 'fetch' || strangersThings.test(text)) labels.push('untrusted');
  return labels;
}
