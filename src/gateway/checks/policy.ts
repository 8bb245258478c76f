import { type Check, known } from '../passage.ts';

/**
 * Today the policy is the mark alone: `ask` needs a person, `allow` does not. Risk tiers, Cedar and data flow come here; until
 * they do, nothing about the arguments or their origin is judged.
 */
export const checkPolicy: Check = ({ facts }) => {
  switch (known(facts.mark)) {
    case 'allow':
      facts.needsApproval = false;
      return undefined;
    case 'ask':
      facts.needsApproval = true;
      return undefined;
  }
};
