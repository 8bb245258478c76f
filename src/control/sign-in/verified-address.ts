/**
 * The address that one of a provider's answers (ID token, user info) says is verified, of that very answer: that the one verified an
 * address says nothing about another which stands in the other.
 */
export function verifiedAddress(answers: readonly Readonly<Record<string, unknown>>[]): string | undefined {
  for (const { email, email_verified: isVerified } of answers)
    if (isVerified === true && typeof email === 'string') return email.toLowerCase();
  return undefined;
}
