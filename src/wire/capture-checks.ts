import { CaptureError } from './capture-types.ts';
import { ETHERNET_HEADER_BYTES } from './ethernet.ts';

/** Checks that the formats of capture files share: each throws {@link CaptureError}. */

const LINKTYPE_ETHERNET = 1;

/** Packets of another link layer are none of ours. */
export function checkLinkType(linkType: number, fileOffset: number): void {
  if (linkType !== LINKTYPE_ETHERNET) {
    throw new CaptureError(
      `the capture has link type ${linkType}, but only Ethernet (link type 1) can be used`,
      fileOffset,
    );
  }
}

/** Frames are kept without frame check sequence; to strip one would be to guess how long it is. */
export function checkNoFcs(fcsLength: number, fileOffset: number): void {
  if (fcsLength !== 0) {
    throw new CaptureError(
      'the capture keeps frame check sequences, which must be cut off first (editcap -L -C -4)',
      fileOffset,
    );
  }
}

/** `needed` bytes must be there at `fileOffset` of a file of `fileBytes` bytes. */
export function checkInFile(what: string, fileOffset: number, needed: number, fileBytes: number): void {
  if (needed > fileBytes - fileOffset) {
    throw new CaptureError(
      `the file ends within ${what}, which takes ${needed} bytes of which ${fileBytes - fileOffset} are there`,
      fileOffset,
    );
  }
}

/** A packet must be whole, and long enough for an Ethernet header. */
export function checkPacketLength(captured: number, original: number, fileOffset: number): void {
  if (captured < original) {
    throw new CaptureError(
      `the packet is cut short, ${captured} of its ${original} bytes were captured (use tcpdump -s 0)`,
      fileOffset,
    );
  }
  if (captured > original) {
    throw new CaptureError(
      `the packet holds ${captured} bytes but claims to have had ${original}`,
      fileOffset,
    );
  }
  if (captured < ETHERNET_HEADER_BYTES) {
    throw new CaptureError(
      `the packet has ${captured} bytes, too few for the ${ETHERNET_HEADER_BYTES} of an Ethernet header`,
      fileOffset,
    );
  }
}
