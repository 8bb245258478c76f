/** Browsers share cookies between ports of one host: the environment keeps two installations of one machine apart. */
export const signInCookieName = (environment: string): string => `estop-${environment}-sign-in`;

/** That its bearer may stop; read by the stop process while nobody can be asked. */
export const stopProofCookie = (environment: string): string => `estop-${environment}-stop-proof`;
