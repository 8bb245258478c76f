import { callDigest, canonicalText } from '../json/canonical.ts';
import { type Check, denied, known } from '../passage.ts';

/**
 * The arguments fit the pinned schema. They were read by the strict parser; here they get their one spelling, and from here on
 * only that: it is what is hashed, shown to people and sent.
 */
export const checkArguments: Check = ({ asked, facts }) => {
  if (asked.kind !== 'tool-call') return denied('internal');
  const { pin } = known(facts.tool);
  const fault = pin.faultIn(asked.arguments);
  if (fault !== undefined) return denied('invalid-arguments', fault.slice(0, 500));
  facts.canonicalArguments = canonicalText(asked.arguments);
  facts.digest = callDigest(pin.scopeKey, pin.definitionHash, facts.canonicalArguments);
  return undefined;
};
