import type { SignInResult, WhoAmI } from '../contract/http/people.ts';
import type { LoginLink } from '../contract/http/sign-in.ts';
import type { Transport } from './transport.ts';

export interface SignIn {
  /** Signs in one browser, once, as whoever this client's token is. */
  whoAmI(): Promise<WhoAmI>;
  /** Ends the sign-in that this client's token is of. */
  end(signInId: string): Promise<SignInResult>;
  makeLink(options?: { readonly next?: string }): Promise<LoginLink>;
}

export function createSignIn(call: Transport, baseUrl: string): SignIn {
  return {
    whoAmI: () => call({ method: 'GET', baseUrl, path: '/v1/whoami' }),
    end: (id) => call({ method: 'POST', baseUrl, path: `/v1/sign-ins/${id}:end` }),
    makeLink: (options = {}) =>
      call({ method: 'POST', baseUrl, path: '/v1/login-links', isRepeated: true, body: options }),
  };
}
