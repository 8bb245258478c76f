/** The life of a grant, as pure rules (the store: migrations/0006). */

export type GrantLife =
  /** On record, with its kill handle and its end. `asked`: the issuer may have been asked from here on. */
  | { readonly state: 'intended'; readonly asked: boolean }
  | { readonly state: 'issued' }
  | { readonly state: 'ended'; readonly why: 'never-issued' | 'revoked' };

export type GrantEvent =
  /** Right before the issuer is asked, each time it is. rule: mint-reread */
  | { readonly kind: 'recheck' }
  /** The issuer answered. rule: mint-reread-before-hand-over */
  | { readonly kind: 'answered' }
  | { readonly kind: 'hand-over' }
  /** Every obligation on it is final. */
  | { readonly kind: 'wipe' };

/** What the ledger says at this moment of everything around the grant. */
export interface GrantView {
  readonly dead: boolean;
  readonly taskClosed: boolean;
  readonly taskHeld: boolean;
  readonly pastEnd: boolean;
}

export type GrantAnswer =
  | 'issue'
  | 'issued'
  | 'handed-over'
  | 'stopped'
  | 'task-closed'
  | 'held'
  | 'not-intended'
  | 'ended'
  | 'none'
  | 'done';

export interface GrantStep {
  readonly grant: GrantLife;
  readonly answer: GrantAnswer;
}

export const intended: GrantLife = { state: 'intended', asked: false };

export function onGrant(grant: GrantLife, event: GrantEvent, view: GrantView): GrantStep {
  switch (event.kind) {
    case 'recheck':
      return recheck(grant, view);
    case 'answered':
      return answered(grant, view);
    case 'hand-over':
      return { grant, answer: handOver(grant, view) };
    case 'wipe':
      return grant.state === 'ended'
        ? { grant, answer: 'done' }
        : { grant: { state: 'ended', why: 'revoked' }, answer: 'done' };
  }
}

/** Once the issuer may have been asked, a grant is never called never-issued: an obligation has to find out. */
function recheck(grant: GrantLife, view: GrantView): GrantStep {
  if (grant.state !== 'intended') return { grant, answer: 'not-intended' };
  if (!view.dead && !view.taskClosed) return { grant: { state: 'intended', asked: true }, answer: 'issue' };
  const answer = view.dead ? 'stopped' : 'task-closed';
  return grant.asked ? { grant, answer } : { grant: { state: 'ended', why: 'never-issued' }, answer };
}

/** A credential that exists is recorded whatever the stops say, because only what is on record can be killed and probed. */
function answered(grant: GrantLife, view: GrantView): GrantStep {
  if (grant.state === 'ended') return { grant, answer: 'ended' };
  const issued: GrantLife = { state: 'issued' };
  if (view.dead) return { grant: issued, answer: 'stopped' };
  return { grant: issued, answer: view.taskClosed ? 'task-closed' : 'issued' };
}

function handOver(grant: GrantLife, view: GrantView): GrantAnswer {
  if (grant.state !== 'issued' || view.pastEnd) return 'none';
  if (view.dead) return 'stopped';
  if (view.taskClosed) return 'task-closed';
  return view.taskHeld ? 'held' : 'handed-over';
}
