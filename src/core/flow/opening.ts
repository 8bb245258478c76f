/** What the description of a tool begins with, past the words that only say that this is a tool. */
const subject =
  '(?:(?:this|the) (?:tool|function|action|endpoint|operation|method|command|call|api)|this|it|tool|function|(?:a|an) (?:tool|function|utility|helper))';
const purpose =
  '(?:(?:can |may |will |should )?(?:be |is )?(?:used |useful |meant |designed )?(?:to|for|that|which)|(?:that |which )?(?:allows?|lets?|enables?|helps?) (?:you|users?|agents?|callers?|one|the (?:user|agent|caller|model))(?: to)?|(?:will|can|should))';
const aboutItself = new RegExp(
  `^\\s*(?:${subject} (?:${purpose} )?|(?:use|call) (?:this|it)(?: tool| function)? (?:to|for|when you (?:want|need) to) |(?:used|useful|helps?|allows? (?:you|the (?:user|agent))|lets you)(?: you)?(?: to| for)? )`,
  'i',
);

/** "This tool can be used to list the files" begins with "list the files". */
/** "🎯 Purpose: 1. Retrieves", "Description: Gets". */
const headed = /^[^\p{L}]*(?:(?:purpose|description|summary|overview|what it does|function)\s*[:\n-][^\p{L}]*)?/iu;

export const openingOf = (description: string): string =>
  description.slice(0, 300).replace(headed, '').replace(aboutItself, '');
