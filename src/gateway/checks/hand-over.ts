import { grantSpecOf } from '../../contract/tool-grant.ts';
import { isName } from '../../core/ids.ts';
import { obtainGrant } from '../grants/obtain-grant.ts';
import { secretIn } from '../grants/secret-in.ts';
import { type Check, denied, known, type Verdict } from '../passage.ts';
import { fenceAndAnswer } from './fence-and-answer.ts';

/** Reads the sealed grant; the store decides in the same statement whether it is still alive. The credential of a tool has no such name. */
export const handOver: Check = async (passage) => {
  const { host, asked, facts } = passage;
  if (asked.kind !== 'grant' || !isName(asked.name)) return denied('no-such-grant');
  const spec = grantSpecOf(host.config.current(), known(facts.claims).agentId, asked.name);
  const grant = await obtainGrant(passage, asked.name, spec?.when === 'first-use');
  if ('denial' in grant) return grant.denial;
  facts.grant = grant;
  return undefined;
};

/** Unseals last, in the tick in which the fence is asked and the answer goes out. The secret is in no log and in no fact. */
export const fenceAndHandOver: Check = (passage): Verdict => {
  const { facts, host, asked } = passage;
  const grant = known(facts.grant);
  if (asked.kind !== 'grant') return denied('internal');
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
