/** Answer of {@link AddressTranslator.lookup}: only a walk can tell. */
export const TRANSLATION_MISS = -1;
/** Answer of {@link AddressTranslator.lookup}: the request is refused. */
export const TRANSLATION_FAULT = -2;

/** A request whose address is translated in place, so that no address is an argument or a result. */
export interface TranslationRequest {
  /** Routing ID. */
  readonly requester: number;
  address: number;
}

/** Translates the addresses of DMA requests: an IOMMU, or nothing at all. */
export interface AddressTranslator {
  /**
   * Physical address, {@link TRANSLATION_MISS} if only a walk can tell, {@link TRANSLATION_FAULT} if it is
   * refused.
   */
  lookup(routingId: number, address: number, isWrite: boolean): number;
  /**
   * As `lookup`, for a request that is only on its way: puts the physical address in place of the other and
   * returns true; or, where that cannot be told at once, returns false as if nobody had asked. A translator
   * without it is asked when the request has arrived. The answer holds although tables may change until then.
   */
  foresee?(request: TranslationRequest, isWrite: boolean): boolean;
  /** Walks the tables; {@link TranslationClient.translated} is called when the walk has ended. */
  walk(routingId: number, address: number, isWrite: boolean, client: TranslationClient, cookie: number): void;
}

/** Who waits for a walk. */
export interface TranslationClient {
  /**
   * The walk of a request has ended.
   *
   * @param cookie what {@link AddressTranslator.walk} was given.
   * @param physicalAddress host physical, or {@link TRANSLATION_FAULT}.
   */
  translated(cookie: number, physicalAddress: number): void;
}
