/** Bits of the registers of VT-d remapping hardware, as 32-bit words: of a 64-bit register the half that they lie in. */

/** GCMD and GSTS (11.4.4, 11.4.5): a command and the status that follows it have the same bit. */
export const TE = 1 << 31;
export const SRTP = 1 << 30;
export const WBF = 1 << 27;
export const QIE = 1 << 26;
export const IRE = 1 << 25;
export const SIRTP = 1 << 24;
export const CFI = 1 << 23;

/** Upper half of CCMD (11.4.7). */
export const ICC = 1 << 31;
export const CIRG_SHIFT = 29;
export const CAIG_SHIFT = 27;

/** Upper half of IOTLB_REG (11.4.8.1). */
export const IVT = 1 << 31;
export const IIRG_SHIFT = 28;
export const IAIG_SHIFT = 25;

/** Of a context-cache invalidation and of an IOTLB invalidation: what is invalidated. */
export const GLOBAL = 1;
export const DOMAIN = 2;
export const DEVICE = 3;
export const PAGES = 3;

/** FSTS (11.4.9). */
export const PFO = 1 << 0;
export const PPF = 1 << 1;
export const IQE = 1 << 4;
export const ICE = 1 << 5;
export const ITE = 1 << 6;
export const FRI_SHIFT = 8;
/** What software has to see to. */
export const FAULT_STATUS = PFO | PPF | IQE | ICE | ITE;

/** FECTL (11.4.10) and IECTL (11.4.25). */
export const IM = 1 << 31;
export const IP = 1 << 30;

/** Topmost word of a fault recording register (11.4.14). */
export const F = 1 << 31;
export const T_READ = 1 << 30;

/** ICS (11.4.24). */
export const IWC = 1 << 0;

/** Lower half of IQA (11.4.23): QS. */
export const QS_MASK = 7;
/** IQH and IQT (11.4.21, 11.4.22): bits 18:4. */
export const QUEUE_SHIFT = 4;
export const QUEUE_INDEX_MASK = 0x7fff;

/** Lower half of IRTA (11.4.29). */
export const EIME = 1 << 11;
export const IRTA_SIZE_MASK = 0xf;

/** The address in bits 51:12 of a register of two halves; what lies beyond the host's addresses reads as zero there. */
export function pageOf(low: number, high: number): number {
  return ((low & ~0xfff) >>> 0) + (high >>> 0) * 2 ** 32;
}
