import type { AddressTranslator } from '../pcie/index.ts';

/** Requests pass as they are: a host without an IOMMU. */
export const NO_TRANSLATION: AddressTranslator = {
  lookup: (_routingId, address) => address,
  foresee: () => true,
  walk: () => {},
};
