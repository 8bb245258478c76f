import { createHash, randomBytes } from 'node:crypto';
import { EstopError } from '../../core/errors.ts';
import { formatId } from '../../core/ids.ts';
import { byWay } from '../../store/by-way.ts';
import { makeClientRefresh, type Redeemed, redeemClientTicket, type ShownTicket } from '../../store/client-tickets.ts';
import { checkTask, getTask, type TaskRecord } from '../../store/tasks.ts';
import type { ControlDeps } from '../deps.ts';
import { signFor } from '../routes/issue-task-token.ts';
import { startTask } from '../start-task.ts';
import { mayStillConnect } from './agents-of.ts';
import { oneOf } from './check-client.ts';
import { endSession } from './end-session.ts';

/** It ends with its session, which is bounded by the configuration. */
const refreshLifeMs = 30 * 86_400_000;
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

export const hashOf = (text: string): Uint8Array => digest(text);
export const issuerOf = ({ controlUrl }: Pick<ControlDeps, 'controlUrl'>): string =>
  new URL(controlUrl).href.replace(/\/$/, '');
/** The session that a code opens is known before it is opened, so that a code that comes twice ends it whenever it comes. */
export const seedOf = (code: string): Uint8Array => digest(`session of ${code}`).subarray(0, 16);

export type Exchanged =
  | { readonly ok: true; readonly token: string; readonly expiresAt: number; readonly refresh: string }
  | { readonly ok: false; readonly error: 'invalid_grant' | 'invalid_request'; readonly why: string };

const refused = (why: string): Exchanged => ({ ok: false, error: 'invalid_grant', why });

/** A code or a refresh token for a token of the session. Undefined: it is another kind of grant. */
export async function exchangeTicket(deps: ControlDeps, form: URLSearchParams): Promise<Exchanged | undefined> {
  const grant = oneOf(form, 'grant_type');
  if (grant !== 'authorization_code' && grant !== 'refresh_token') return undefined;
  const shown = shownTicket(form, grant);
  const secret = oneOf(form, grant === 'refresh_token' ? 'refresh_token' : 'code');
  if (shown === undefined || secret === undefined)
    return { ok: false, error: 'invalid_request', why: 'Something is missing, or is there twice.' };
  const redeemed = await redeemClientTicket(deps.store, { ...shown, hash: hashOf(secret) });
  if (redeemed.kind === 'replayed') await endSession(deps, redeemed.taskId, 'shown-twice');
  if (redeemed.kind !== 'redeemed') {
    deps.log.warn({ event: 'client.refused', why: redeemed.kind, grant }, 'a client showed what opens nothing');
    return refused('It is used, over, or not for this client.');
  }
  if (!(await mayStillConnect(deps, redeemed))) {
    deps.log.warn(
      { event: 'client.refused', why: 'not-theirs-any-more', grant },
      'a client came for somebody who may not connect it any more',
    );
    return refused('Whoever connected it may not do so any more.');
  }
  const task =
    grant === 'authorization_code' ? await openFor(deps, redeemed, secret) : await goOn(deps, redeemed.taskId);
  if (task === undefined) return refused('The session is over.');
  const refresh = randomBytes(32).toString('base64url');
  if (!(await makeClientRefresh(deps.store, hashOf(refresh), hashOf(secret), refreshLifeMs))) {
    await endSession(deps, task.taskId, 'shown-twice');
    return refused('It was shown twice, or too often.');
  }
  return { ok: true, ...(await signFor(deps, task)), refresh };
}

function shownTicket(form: URLSearchParams, grant: string): Omit<ShownTicket, 'hash'> | undefined {
  const client = oneOf(form, 'client_id');
  const resource = oneOf(form, 'resource');
  if (client === undefined || (form.has('resource') && resource === undefined)) return undefined;
  const common = { clientHash: hashOf(client), ...(resource === undefined ? {} : { resource }) };
  if (grant === 'refresh_token') return { kind: 'refresh', ...common };
  const [redirect, verifier] = [oneOf(form, 'redirect_uri'), oneOf(form, 'code_verifier')];
  if (redirect === undefined || verifier === undefined || !/^[A-Za-z0-9._~-]{43,128}$/.test(verifier)) return undefined;
  return { kind: 'code', ...common, redirect, challenge: digest(verifier).toString('base64url') };
}

async function openFor(
  deps: ControlDeps,
  { agentId, actor, person, taskId }: Extract<Redeemed, { readonly kind: 'redeemed' }>,
  code: string,
): Promise<TaskRecord | undefined> {
  const seed = seedOf(code);
  if (formatId('task', deps.environment, seed) !== taskId) throw new EstopError('internal');
  const started = await startTask(
    { ...deps, store: byWay(deps.store, 'mcp') },
    { agentId, prompt: '', session: {} },
    { identity: { actor, person, roles: [] }, seed: () => Buffer.from(seed) },
  );
  deps.log.info({ event: 'session.opened', taskId: started }, 'a person connected a client');
  return getTask(deps.store, started);
}

/** A session that is over, or under a stop, goes on for nobody: its person is asked again. */
async function goOn(deps: ControlDeps, taskId: string): Promise<TaskRecord | undefined> {
  const check = await checkTask(deps.store, taskId);
  if (check === undefined || check.state === 'closed' || check.stopId !== undefined) return undefined;
  return getTask(deps.store, taskId);
}
