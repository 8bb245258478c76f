/** What a receiver answered, for a person: its status, or that there was none. */
export const answerWords = (answer: string): string =>
  answer === 'connector-unavailable' ? 'cannot be reached' : answer;
