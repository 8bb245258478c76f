import type { LoginLink } from '../contract/http/sign-in.ts';
import type { Transport } from './transport.ts';

export interface SignIn {
  /** Signs in one browser, once, as whoever this client's token is. */
  makeLink(options?: { readonly next?: string }): Promise<LoginLink>;
}

export function createSignIn(call: Transport, baseUrl: string): SignIn {
  return {
    makeLink: (options = {}) => call({ method: 'POST', baseUrl, path: '/v1/login-links', body: options }),
  };
}
