/** What the scripted model plays: an ordinary morning of a billing agent, until somebody else takes over. */
export const billingScript = [] as const;
