import type { IommuProfile } from '../iommu/index.ts';
import type { CreditAdvertisement } from '../pcie/index.ts';

/** What driver software costs a processor, in ps: a pass of its loop, a received frame, a frame put on the ring. */
export interface SoftwareProfile {
  readonly pollPs: number;
  readonly receivePs: number;
  readonly transmitPs: number;
}

/** A host as frozen data; every time in ps. */
export interface HostProfile {
  readonly name: string;
  /** One way over a link beyond serialisation: physical and data link layers at both ends. */
  readonly linkFlightPs: number;
  /** From a DMA read's translation to its data. */
  readonly memoryReadPs: number;
  /** The same for data that no cache of the host holds. */
  readonly uncachedReadPs: number;
  /** From a processor's store or load to the root port. */
  readonly outboundPs: number;
  /** From an interrupt message to the handler, on the host and in a guest. */
  readonly hostInterruptPs: number;
  readonly guestInterruptPs: number;
  readonly rootCredits: CreditAdvertisement;
  readonly maxPayloadBytes: number;
  readonly maxReadRequestBytes: number;
  readonly readCompletionBoundary: number;
  readonly iommu: IommuProfile;
  /**
   * Requests of a device that the IOMMU looks at, which are answered in the order in which they came: see
   * `OrderedTranslations`. Experiments that measure DMA take it; in a scenario's machine a request that hits does not wait yet.
   */
  readonly translationsAhead: number;
  /** What driver software costs, with interrupts and when it polls. */
  readonly software: { readonly interrupt: SoftwareProfile; readonly poll: SoftwareProfile };
}
