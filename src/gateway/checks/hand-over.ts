import { isAsListed, listedGrant } from '../grants/listed-grant.ts';
import { obtainGrant } from '../grants/obtain-grant.ts';
import { secretIn } from '../grants/secret-in.ts';
import { type Check, denied, known, type Verdict } from '../passage.ts';
import { fenceAndAnswer } from './fence-and-answer.ts';

/** Reads the sealed grant; the store decides in the same statement whether it is still alive. */
export const handOver: Check = async (passage) => {
  const { asked, facts } = passage;
  if (asked.kind !== 'grant') return denied('internal');
  const grant = await obtainGrant(passage, asked.name, known(facts.grantSpec).when === 'first-use');
  if ('denial' in grant) return grant.denial;
  facts.grant = grant;
  return undefined;
};

/** Unseals last, in the tick in which configuration and fence are asked and the answer goes out. The secret is in no log and in no fact. */
export const fenceAndHandOver: Check = (passage): Verdict => {
  const { facts, host, asked } = passage;
  const grant = known(facts.grant);
  if (asked.kind !== 'grant') return denied('internal');
  // The wait for it may have been long.
  const listed = listedGrant(passage, asked.name);
  if (listed === undefined || !isAsListed(grant, listed)) return denied('no-such-grant');
  const plain = host.sealer.open(grant.sealed, grant.grantId);
  facts.answer = {
    name: asked.name,
    connector: grant.connector,
    target: grant.target,
    secret: secretIn(plain),
    absoluteEnd: grant.absoluteEnd,
  };
  const verdict = fenceAndAnswer(passage);
  delete facts.answer;
  return verdict as Verdict; // it is synchronous
};
