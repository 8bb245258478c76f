import { z } from 'zod';
import { network } from '../../connectors/kit/address.ts';

/** One unit of currency for a million tokens: a hundred cents of a million microcents, over a million. */
const microcentsPerTokenOfOne = 100;

const perMillion = z
  .number()
  .min(0)
  .max(1_000_000)
  .transform((units) => units * microcentsPerTokenOfOne);
const price = z
  .strictObject({
    input: perMillion,
    output: perMillion,
    cachedInput: perMillion.optional(),
    cacheWrite: perMillion.optional(),
  })
  .transform((given) => onlyGiven(given))
  .describe(
    'What a million tokens cost, in whole units of your currency. A model without a price is not called; 0 is a price.',
  );
/** How a model is written in estop.yaml. */
export const modelBlock = <Secret extends z.ZodType>(secretAt: Secret) =>
  z.strictObject({
    provider: z.enum(['openai-compatible', 'openai', 'anthropic']),
    model: z.string().min(1),
    baseUrl: z.url({ protocol: /^https?$/ }).optional(),
    apiKey: secretAt.optional(),
    network: network.describe('How far away its provider may be: public, private or loopback.'),
    price: price.optional(),
    contextTokens: z.int().min(1).max(100_000_000).optional().describe('The most that one call can take in.'),
    maxOutputTokens: z.int().min(1).max(10_000_000).optional().describe('For requests that set no bound of their own.'),
    parameters: z
      .array(z.string().min(1).max(100))
      .max(100)
      .optional()
      .describe('Further fields of a request that are passed on.'),
    providerTools: z
      .array(z.string().min(1).max(100))
      .max(100)
      .optional()
      .describe('Tools that the provider may run itself, past the gate, by type.'),
    betas: z
      .array(z.string().regex(/^[\w.-]{1,100}$/))
      .max(100)
      .optional()
      .describe('What anthropic-beta may name; a beta may change what a call costs, and the price has to hold for it.'),
    remoteContent: z.boolean().optional().describe('Whether the provider may fetch what a conversation refers to.'),
  });

/** Without the members that are undefined, as the exact optional types of the contract have it. */
export function onlyGiven<Block extends object>(
  block: Block,
): { [Key in keyof Block]: Exclude<Block[Key], undefined> } {
  // What is filtered out is exactly what the type leaves out.
  return Object.fromEntries(Object.entries(block).filter(([, value]) => value !== undefined)) as {
    [Key in keyof Block]: Exclude<Block[Key], undefined>;
  };
}
