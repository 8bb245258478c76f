import { SignInPath, SignInResult } from '../../contract/http/people.ts';
import { EstopError } from '../../core/errors.ts';
import { endSignIn as end, listSignIns } from '../../store/sign-ins.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { isOverAll } from '../permission.ts';

export const endSignIn = defineEndpoint({
  method: 'post',
  path: '/v1/sign-ins/{id}:end',
  id: 'endSignIn',
  summary: 'End one of your sign-ins; an admin, anybody’s',
  permission: 'self:manage',
  underElevation: 'allowed',
  repeats: 'repeatable',
  input: { path: SignInPath, query: nothing, body: nothing },
  answers: [{ status: 200, description: 'Bites within 5 s, in open streams too', schema: SignInResult }],
  problems: ['not-found'],
  handle: async ({ path }, { identity }, deps) => {
    const isMine = async (): Promise<boolean> =>
      (await listSignIns(deps.store, identity.personId ?? '')).some(({ signInId }) => signInId === path.id);
    if (!isOverAll(identity, 'people:manage') && !(await isMine())) throw new EstopError('not-found');
    const isEnded = await end(deps.store, path.id, identity.actor);
    return { status: 200, body: { signInId: path.id, outcome: isEnded ? 'done' : 'already' } };
  },
});
