/**
 * What a model or a tool said, as it may go into a history and before a model. JSON writes a control character or half a surrogate pair
 * in six bytes: counted as one character each, they would fill a payload beyond what Temporal takes, and the task could neither go on
 * nor hear of its end.
 */
export const historyText = (text: string): string => text.replaceAll(/[^\P{Cc}\n\t]|\p{Cs}/gu, ' ');
