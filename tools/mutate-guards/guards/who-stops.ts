import type { Guard } from '../guard.ts';

const who = 'src/stop/who-stops.ts';
const known = 'src/stop/known-operators.ts';
const proof = 'src/runtime/keys/operator-proof.ts';
const people = 'test/stop/people.test.ts';
const remembered = 'test/stop/known-operators.test.ts';

const forAWhile = 'a role that was taken for a while ends with its time';
const away = 'with the store away, whoever was signed in still stops';
const aProof = 'a proof is good for this environment, this key and its time';

/** How the stop process knows, by itself, who may stop. */
export const whoStopsGuards: readonly Guard[] = [
  {
    id: 'who-stops/browser',
    file: who,
    protects: 'the cookies of a browser that comes by itself are not looked at',
    attacks: ['A34'],
    find: "if (headers.origin !== undefined || headers['sec-fetch-site'] !== undefined) return undefined;",
    put: '',
    tests: { file: people, title: 'the cookies of a browser that comes here by itself are not looked at' },
  },
  {
    id: 'who-stops/lost',
    file: who,
    protects: 'whoever lost the right is refused, whatever they show',
    attacks: ['A36'],
    find: '  if (known?.hasLost(proof.signInId) === true) return undefined;\n',
    put: '',
    tests: { file: people, title: 'with the store away' },
  },
  {
    id: 'who-stops/not-on-a-fresh-list',
    file: who,
    protects: 'a proof of a sign-in that ended before this process began is none',
    attacks: ['A36'],
    find: '  if (age !== undefined && age < freshMs && proof.issuedAt < Date.now() - freshMs) return undefined;\n',
    put: '',
    tests: { file: people, title: aProof },
  },
  {
    id: 'who-stops/scope',
    file: who,
    protects: 'a role over labels stops nothing wider',
    attacks: ['A44'],
    find: "if (scopes === undefined || scopes.includes(scopeKey) || parseScopeKey(scopeKey)?.kind === 'task') return;",
    put: 'return;',
    tests: { file: people, title: 'a role over labels stops the agents that carry them' },
  },
  {
    id: 'who-stops/wider-over',
    file: known,
    protects: 'a wider reach ends with the elevation that gave it, also where the store cannot say so',
    attacks: ['A36'],
    find: 'if (wider !== undefined && wider.lastsMs > passedMs)',
    put: 'if (wider !== undefined)',
    tests: { file: remembered, title: forAWhile },
  },
  {
    id: 'who-stops/right-over',
    file: known,
    protects: 'a right in memory ends with its time',
    attacks: ['A36'],
    find: '  if (right.lastsMs <= passedMs) return undefined;\n',
    put: '',
    tests: { file: remembered, title: forAWhile },
  },
  {
    id: 'who-stops/elevated-name',
    file: known,
    protects: 'a stop under an elevation says so',
    attacks: ['A44'],
    find: 'return { ...rest, actor: wider.actor };',
    put: 'return { ...rest, actor };',
    tests: { file: remembered, title: forAWhile },
  },
  {
    id: 'who-stops/role-of-stop',
    file: 'src/stop/server.ts',
    protects: 'a stop needs the role for it',
    attacks: ['A44'],
    find: "if (!mayStopAnything(identity) && !identity.roles.includes('agent-worker'))",
    put: 'if (false)',
    tests: { file: people, title: 'whose token gives no role for it stops nothing' },
  },
  {
    id: 'who-stops/basis-stands',
    file: who,
    protects: 'a sign-in stops no more than the token that it was made from',
    attacks: ['A36'],
    find: "if (standing === undefined || !standing.roles.some((role) => role === 'operator' || role === 'admin'))\n      return undefined;",
    put: '',
    tests: { file: people, title: 'ends at the stop process with the token it was made from' },
  },
  {
    id: 'who-stops/foreign-token',
    file: who,
    protects: 'a token of another environment is no reason to look further',
    attacks: ['A35'],
    find: "  if (byFile.code !== 'unauthenticated') throw new EstopError(byFile.code);\n",
    put: '',
    tests: { file: people, title: 'a token of another environment is told apart' },
  },
  {
    id: 'operator-proof/environment',
    file: proof,
    protects: 'a proof of another environment is none here',
    attacks: ['A35'],
    find: 'iss !== issuer || aud !== audience || ',
    put: '',
    tests: { file: people, title: aProof },
  },
  {
    id: 'operator-proof/time',
    file: proof,
    protects: 'a proof ends with its time',
    attacks: ['A36'],
    find: ' || isOver(exp)) return undefined;',
    put: ') return undefined;',
    tests: { file: people, title: aProof },
  },
  {
    id: 'operator-proof/wider-time',
    file: proof,
    protects: 'what was taken for a while is in a proof for that while alone',
    attacks: ['A36'],
    find: 'wider === undefined || isOver(wider.exp)',
    put: 'wider === undefined',
    tests: { file: people, title: away },
  },
  {
    id: 'operator-proof/signature',
    file: proof,
    protects: 'a proof is what control has signed',
    attacks: ['A35'],
    find: '        if (!isOurs) return undefined;\n',
    put: '',
    tests: { file: people, title: aProof },
  },
];
