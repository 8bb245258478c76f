import { toolOfMethod } from '../../contract/admitted-methods.ts';
import { mayUseServer } from '../../contract/credential-use.ts';
import { toolKey } from '../../core/scope-key.ts';
import { reachParams } from '../call/connect-reach.ts';
import { callDigest, canonicalText } from '../json/canonical.ts';
import { saidIn } from '../mcp/question.ts';
import { type Check, denied, known, type Passage, type Verdict } from '../passage.ts';
import { rightsOf } from '../rights.ts';
import { checkReachScope } from './reach-scope.ts';
import { checkScope } from './scope.ts';
import { checkToolKnown } from './tool-known.ts';

/** What the answer of a client belongs to is looked at as it stands now: a tool may have changed since its server asked. */
export const checkQuestionKnown: Check = (passage): Verdict | Promise<Verdict> => {
  const { asked, facts } = passage;
  if (asked.kind !== 'answer') return denied('internal');
  const { askedWhile, method } = asked.question;
  switch (askedWhile.kind) {
    case 'tool-call':
      return checkToolKnown(passage);
    case 'reach':
      facts.reaches = [askedWhile.reach];
      facts.answering = { scopeKey: askedWhile.reach.scopeKey };
      return undefined;
    case 'nothing':
      facts.answering = { scopeKey: toolKey(askedWhile.server.spec.serverId, toolOfMethod(method)) };
      return undefined;
  }
};

/** From here on the answer is these bytes. */
export const checkAnswer: Check = ({ asked, facts }) => {
  if (asked.kind !== 'answer') return denied('internal');
  const { askedWhile, method } = asked.question;
  const said = canonicalText(saidIn(asked.message));
  const { pin } = facts.tool ?? {};
  const before =
    askedWhile.kind === 'tool-call'
      ? canonicalText(askedWhile.arguments)
      : askedWhile.kind === 'reach'
        ? reachParams(askedWhile.reach)
        : JSON.stringify(method);
  facts.said = said;
  facts.digest = callDigest(answeredKey(facts), pin?.definitionHash ?? '', before, '', said);
  return undefined;
};

/** The agent's own lists still name what the question belongs to; a server that asks of its own accord, any of its tools. */
export const checkAnswerScope: Check = (passage) => {
  const { host, asked, facts } = passage;
  if (asked.kind !== 'answer') return denied('internal');
  const { askedWhile } = asked.question;
  if (askedWhile.kind === 'tool-call') return checkScope(passage);
  if (askedWhile.kind === 'reach') return checkReachScope(passage);
  const line = rightsOf(host.config.current(), known(facts.claims));
  if (line === undefined) return denied('internal');
  facts.agent = line[0];
  facts.line = line;
  const { serverId } = askedWhile.server.spec;
  return line.every((agent) => mayUseServer(agent, serverId)) ? undefined : denied('tool-not-available');
};

export const answeredKey = (facts: Passage['facts']): string =>
  facts.tool?.pin.scopeKey ?? known(facts.answering).scopeKey;
