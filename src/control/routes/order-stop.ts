import { z } from 'zod';
import { EstopError } from '../../core/errors.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';

/**
 * Not here: a stop must not depend on this process. A redirect would not help, because clients drop their token on the way to
 * another origin; so the answer names the place (421, Location) and the client goes there itself.
 */
export const orderStop = defineEndpoint({
  method: 'post',
  path: '/v1/stops',
  id: 'orderStop',
  summary: 'Says where stops are taken: by the stop process',
  permission: 'stop:read',
  underElevation: 'allowed',
  repeats: 'repeatable',
  input: { path: nothing, query: nothing, body: z.unknown() },
  answers: [],
  problems: ['stop-elsewhere'],
  handle: async (_input, _request, deps) => {
    throw new EstopError('stop-elsewhere', { detail: `Send it to ${new URL('/v1/stops', deps.stopUrl).href}.` });
  },
});
