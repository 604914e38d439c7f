import { DEFAULT_IOMMU_PROFILE } from '../iommu/index.ts';
import type { HostProfile } from './host-profile.ts';

/**
 * Xeon E5-2630 v4, the host of the measurements in "Understanding PCIe performance for end host networking" (SIGCOMM '18). Measured there:
 * a 64-byte DMA read without translation takes about 550 ns, a miss in the IOTLB 290 ns more. The parts that the sum is made of
 * are estimates.
 */
export const xeonE5v4: HostProfile = Object.freeze({
  name: 'xeon-e5-v4',
  // Estimates: two flights, a memory access and the serialisation of request and completion make up the measured round trip.
  linkFlightPs: 150_000,
  memoryReadPs: 220_000,
  // Measured: a 64-byte read takes 53 ns more where the caches are cold.
  uncachedReadPs: 273_000,
  outboundPs: 100_000,
  // Estimates: dispatch on the host; a guest's interrupt passes through the hypervisor.
  hostInterruptPs: 1_500_000,
  guestInterruptPs: 3_000_000,
  // Estimate: what a server's root port advertises.
  rootCredits: {
    postedHeaders: 96,
    postedData: 896,
    nonPostedHeaders: 96,
    nonPostedData: 64,
    completionHeaders: 0,
    completionData: 0,
  },
  // Measured set-up: Max_Payload_Size 256, Max_Read_Request_Size 512.
  maxPayloadBytes: 256,
  maxReadRequestBytes: 512,
  readCompletionBoundary: 64,
  iommu: DEFAULT_IOMMU_PROFILE,
  // Fitted to the measured bandwidth of 64-byte reads by window.
  translationsAhead: 8,
  // Estimates after what kernel drivers and DPDK spend a frame.
  software: {
    interrupt: { pollPs: 400_000, receivePs: 120_000, transmitPs: 80_000 },
    poll: { pollPs: 60_000, receivePs: 30_000, transmitPs: 20_000 },
  },
});
