import { z } from 'zod';

/** Shape of every error answer; see contract/problem.ts for how one comes about. */
export const Problem = z
  .object({
    type: z
      .string()
      .meta({ description: 'Relative reference to the page that explains this code', example: '/errors/stopped' }),
    title: z.string(),
    status: z.int(),
    code: z.string().meta({ description: 'What clients match on' }),
    detail: z.string().optional(),
    requestId: z.string(),
    errors: z.array(z.object({ pointer: z.string(), message: z.string() })).optional(),
    retryAfterMs: z.number().optional(),
    location: z.string().optional(),
  })
  .meta({ id: 'Problem' });
