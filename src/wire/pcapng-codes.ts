/** Numbers of pcapng blocks and options (draft-ietf-opsawg-pcapng, sections 3.5, 4.1 to 4.4). */

/** Reads the same in both byte orders. */
export const SECTION_HEADER = 0x0a0d_0d0a;
export const BYTE_ORDER_MAGIC = 0x1a2b_3c4d;

export const INTERFACE_DESCRIPTION = 1;
/** Obsolete, but still found in old files. */
export const PACKET = 2;
export const SIMPLE_PACKET = 3;
export const ENHANCED_PACKET = 6;

export const END_OF_OPTIONS = 0;
export const OPT_COMMENT = 1;

export const SHB_HARDWARE = 2;
export const SHB_USERAPPL = 4;

export const IF_NAME = 2;
export const IF_DESCRIPTION = 3;
export const IF_SPEED = 8;
export const IF_TSRESOL = 9;
export const IF_FCSLEN = 13;
export const IF_TSOFFSET = 14;

export const EPB_FLAGS = 2;
export const EPB_PACKETID = 5;
export const EPB_QUEUE = 6;
