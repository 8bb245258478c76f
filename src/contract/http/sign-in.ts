import { z } from 'zod';
import { Instant } from './fields.ts';

export const MakeLoginLink = z
  .strictObject({
    next: z.string().max(500).optional().meta({ description: 'The page to open first, as a path', example: '/stops' }),
  })
  .meta({ id: 'MakeLoginLink' });

export const LoginLink = z
  .object({
    url: z.string().meta({ description: 'Signs in one browser, once, as whoever holds the token that made it' }),
    expiresAt: Instant,
  })
  .meta({ id: 'LoginLink' });

export type LoginLink = z.infer<typeof LoginLink>;
