import { z } from 'zod';
import { parseScopeKey } from '../../core/scope-key.ts';
import { Instant, OneLine } from './fields.ts';
import { pageOf } from './page.ts';

export const ToolId = z
  .string()
  .max(200, 'A tool is named by at most 200 characters.')
  .refine((text) => parseScopeKey(`tool:${text}`) !== undefined, 'A tool is named as server/tool.')
  .meta({ description: 'A tool, as its server and its name', example: 'billing/refund_payment' });

export const Tier = z.enum(['read', 'fetch', 'write', 'destructive', 'code']);

/** One definition on record. */
export const ToolPin = z
  .object({
    tool: z.string(),
    hash: z
      .string()
      .meta({ description: 'SHA-256 of the canonical definition, in hex: what is accepted is exactly this' }),
    state: z.enum(['accepted', 'changed', 'blocked']),
    proposedTier: Tier,
    because: z.string().meta({ description: 'Why this tier is proposed' }),
    decidedTier: Tier.nullable().meta({ description: 'What estop.yaml says; it decides' }),
    labels: z.array(z.string()),
    resembles: z.string().nullable().meta({ description: 'The tool that its name could be taken for' }),
    firstSeenAt: Instant,
    lastSeenAt: Instant,
    acceptedBy: z.string().nullable(),
    acceptedAt: Instant.nullable(),
  })
  .meta({ id: 'ToolPin' });
export const ToolPinPage = pageOf(ToolPin, 'ToolPinPage');

export const ToolDefinition = ToolPin.extend({
  definition: z.string().meta({
    description: 'Canonical JSON, as the server lists it. Written by that server: show it as text, escaped.',
  }),
}).meta({ id: 'ToolDefinition' });
export const ToolDefinitionPage = pageOf(ToolDefinition, 'ToolDefinitionPage');

export const ToolQuery = z.strictObject({ state: z.enum(['accepted', 'changed', 'blocked']).optional() });
export const ToolPath = z.strictObject({ id: ToolId });
export const AcceptTool = z
  .strictObject({
    hash: z.string().regex(/^[0-9a-f]{64}$/, 'A hash has 64 hexadecimal digits.'),
    reason: OneLine(2_000).optional(),
  })
  .meta({ id: 'AcceptTool' });

export type ToolPin = z.infer<typeof ToolPin>;
export type ToolPinPage = z.infer<typeof ToolPinPage>;
export type ToolDefinition = z.infer<typeof ToolDefinition>;
export type ToolDefinitionPage = z.infer<typeof ToolDefinitionPage>;
