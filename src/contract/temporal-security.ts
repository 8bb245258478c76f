/** How a connection to Temporal is protected, beside its address: what both of the SDK's connections take as it stands. */
export interface TemporalSecurity {
  /** Absent: not encrypted. `true`: against the certificates that the system trusts. */
  readonly tls?: true | TemporalTls;
  /** Sent with every call, and only ever over TLS. */
  readonly apiKey?: string;
}

interface TemporalTls {
  /** In place of the authorities that the system trusts. */
  readonly serverRootCACertificate?: Uint8Array;
  readonly serverNameOverride?: string;
  readonly clientCertPair?: { readonly crt: Uint8Array; readonly key: Uint8Array };
}

/**
 * Channel arguments of each connection of ours by gRPC: HTTP_PROXY and its kin of whoever started a process lead it nowhere. Workers
 * connect directly in any case, and an order to stop is no word for a third party.
 */
export const directly = { 'grpc.enable_http_proxy': 0 } as const;
