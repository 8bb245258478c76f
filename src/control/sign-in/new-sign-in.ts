import { randomBytes } from 'node:crypto';
import type { Context } from 'hono';
import { defaultSignIn } from '../../contract/config.ts';
import { formatId } from '../../core/ids.ts';
import type { NewSignIn } from '../../store/sign-ins.ts';
import type { ControlDeps } from '../deps.ts';
import { secretHash } from './sign-in-cookie.ts';

/** A sign-in that is about to be made, for this secret and for whoever sent this request. */
export function newSignIn(context: Context, deps: ControlDeps, secret: string): NewSignIn {
  const { idleMs, lifeMs } = deps.config.current().signIn ?? defaultSignIn;
  const mint = (kind: 'sign' | 'person'): string => formatId(kind, deps.environment, randomBytes(16));
  const agent = (context.req.header('user-agent') ?? '').replaceAll(/[^\x20-\x7e]/g, ' ');
  return { signInId: mint('sign'), personId: mint('person'), secretHash: secretHash(secret), agent, idleMs, lifeMs };
}
