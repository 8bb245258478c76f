import { z } from 'zod';
import type { ToolServerSpec } from '../../contract/config.ts';
import { roles } from '../../core/flow/facts.ts';
import { parseScopeKey, toolKey } from '../../core/scope-key.ts';

const toolName = z
  .string()
  .refine((name) => parseScopeKey(toolKey('server', name)) !== undefined, 'must be a tool name');
const label = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'must be up to 32 lower-case letters, digits or hyphens');

/** What a person decides of a server's tools. `estop tool ls` shows what holds without it. */
export const toolReview = {
  tiers: z
    .record(toolName, z.enum(['read', 'fetch', 'write', 'destructive', 'code']))
    .optional()
    .describe('Risk tier by tool. What is not named keeps the proposed one.'),
  labels: z
    .record(toolName, z.array(label).max(16))
    .optional()
    .describe('Data labels by tool, in place of the proposed ones: private, untrusted, or your own.'),
  roles: z
    .record(toolName, z.record(z.string().min(1), z.enum([...roles, 'none'])))
    .optional()
    .describe(
      'What an argument is: whom it reaches (party), where (url, path), what it unlocks (secret), names (ref) or says (text).',
    ),
  trusted: z.boolean().optional().describe("Whether this server's own annotations may lower a tier."),
};

type Review = { readonly [Key in keyof typeof toolReview]?: z.output<(typeof toolReview)[Key]> };

/** Only what was written: a server is compared with itself after a reload. */
export function reviewOf({ tiers, labels, roles: byTool, trusted }: Review): Partial<ToolServerSpec> {
  return {
    ...(tiers === undefined ? {} : { tiers }),
    ...(labels === undefined ? {} : { labels }),
    ...(byTool === undefined ? {} : { roles: byTool }),
    ...(trusted === undefined ? {} : { trusted }),
  };
}
