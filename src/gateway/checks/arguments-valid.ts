import type { ToolServerSpec } from '../../contract/config.ts';
import { callDigest, canonicalText } from '../json/canonical.ts';
import { type Check, denied, known } from '../passage.ts';

/**
 * The arguments fit the pinned schema. They were read by the strict parser; here they get their one spelling, and from here on
 * only that: it is what is hashed, shown to people and sent.
 */
export const checkArguments: Check = ({ asked, facts }) => {
  if (asked.kind !== 'tool-call') return denied('internal');
  const { pin, server } = known(facts.tool);
  const fault = pin.faultIn(asked.arguments);
  if (fault !== undefined) return denied('invalid-arguments', fault.slice(0, 500));
  facts.canonicalArguments = canonicalText(asked.arguments);
  facts.digest = callDigest(pin.scopeKey, pin.definitionHash, facts.canonicalArguments, destinationText(server.spec));
  return undefined;
};

/** As configured. Not protected: a name that resolves to another address, and a secret that is replaced in its place. */
function destinationText({ url, process, credential, credentials, grant }: ToolServerSpec): string {
  return JSON.stringify([url ?? null, process ?? null, credential ?? null, credentials ?? null, grant ?? null]);
}
