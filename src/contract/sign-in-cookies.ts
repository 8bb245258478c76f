/** Browsers share cookies between ports of one host: the environment keeps two installations of one machine apart. */
export const signInCookieName = (environment: string): string => `estop-${environment}-sign-in`;

/** The browser that began a sign-in with an identity provider. */
export const attemptCookie = (environment: string): string => `estop-${environment}-attempt`;

/** That its bearer may stop; read by the stop process while nobody can be asked. */
export const stopProofCookie = (environment: string): string => `estop-${environment}-stop-proof`;
