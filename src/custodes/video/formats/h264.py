"""The colour range that an H.264 stream declares in its sequence parameter set.

In: the payload of an ``avcC`` box. Out: the range, or None where the stream does not say or cannot be read. Every loop
is bounded by the standard's own limits, and reading past the end is an answer, not an error.

Source: ITU-T H.264 (08/2021), 7.3.2.1.1 (sequence parameter set), E.1.1 (VUI); ISO/IEC 14496-15, 5.3.3.1 (avcC).
"""

from __future__ import annotations

from custodes.video.formats.facts import ColourRange

# Profiles whose parameter sets carry chroma format and scaling lists. Source: H.264 7.3.2.1.1.
_HIGH_PROFILES = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
_EXTENDED_ASPECT = 255
_MAX_SPS_BYTES = 1024


class _EndError(Exception):
    """The bits ran out."""


class _Bits:
    """Bits of a network abstraction layer unit, emulation prevention removed. Source: H.264 7.3.1 and 9.1."""

    def __init__(self, unit: bytes) -> None:
        data = unit.replace(b"\x00\x00\x03", b"\x00\x00")
        self._bits = len(data) * 8
        self._value = int.from_bytes(data, "big")
        self._at = 0

    def take(self, count: int) -> int:
        self._at += count
        if self._at > self._bits:
            raise _EndError
        return (self._value >> (self._bits - self._at)) & ((1 << count) - 1)

    def unsigned(self) -> int:
        """Exp-Golomb, ue(v)."""
        zeros = 0
        while self.take(1) == 0:
            zeros += 1
            if zeros > 32:
                raise _EndError
        return (1 << zeros) - 1 + (self.take(zeros) if zeros else 0)

    def signed(self) -> int:
        """Exp-Golomb, se(v)."""
        code = self.unsigned()
        return (code + 1) // 2 if code % 2 else -(code // 2)


def colour_range(avcc: bytes) -> ColourRange | None:
    """The range of the first parameter set in ``avcc``."""
    if len(avcc) < 8 or avcc[5] & 31 == 0:
        return None
    length = int.from_bytes(avcc[6:8], "big")
    unit = avcc[8 : 8 + min(length, _MAX_SPS_BYTES)]
    try:
        full = _full_range(_Bits(unit[1:]))
    except _EndError:
        return None
    return None if full is None else (ColourRange.FULL if full else ColourRange.LIMITED)


def _full_range(bits: _Bits) -> bool | None:
    profile = bits.take(8)
    bits.take(16)  # constraint flags, level
    bits.unsigned()  # seq_parameter_set_id
    if profile in _HIGH_PROFILES:
        _skip_chroma(bits)
    bits.unsigned()  # log2_max_frame_num_minus4
    _skip_picture_order(bits)
    bits.unsigned()  # max_num_ref_frames
    bits.take(1)  # gaps_in_frame_num_value_allowed_flag
    bits.unsigned()  # pic_width_in_mbs_minus1
    bits.unsigned()  # pic_height_in_map_units_minus1
    if not bits.take(1):  # frame_mbs_only_flag
        bits.take(1)  # mb_adaptive_frame_field_flag
    bits.take(1)  # direct_8x8_inference_flag
    if bits.take(1):  # frame_cropping_flag
        for _ in range(4):
            bits.unsigned()
    if not bits.take(1):  # vui_parameters_present_flag
        return None
    if bits.take(1) and bits.take(8) == _EXTENDED_ASPECT:  # aspect_ratio_info
        bits.take(32)
    if bits.take(1):  # overscan_info_present_flag
        bits.take(1)
    if not bits.take(1):  # video_signal_type_present_flag
        return None
    bits.take(3)  # video_format
    return bool(bits.take(1))


def _skip_chroma(bits: _Bits) -> None:
    chroma = bits.unsigned()
    if chroma == 3:
        bits.take(1)  # separate_colour_plane_flag
    bits.unsigned()  # bit_depth_luma_minus8
    bits.unsigned()  # bit_depth_chroma_minus8
    bits.take(1)  # qpprime_y_zero_transform_bypass_flag
    if bits.take(1):  # seq_scaling_matrix_present_flag
        for at in range(12 if chroma == 3 else 8):
            if bits.take(1):
                _skip_scaling_list(bits, 16 if at < 6 else 64)


def _skip_scaling_list(bits: _Bits, entries: int) -> None:
    last = following = 8
    for _ in range(entries):
        if following:
            following = (last + bits.signed()) % 256
        last = following or last


def _skip_picture_order(bits: _Bits) -> None:
    kind = bits.unsigned()
    if kind == 0:
        bits.unsigned()  # log2_max_pic_order_cnt_lsb_minus4
    elif kind == 1:
        bits.take(1)  # delta_pic_order_always_zero_flag
        bits.signed()  # offset_for_non_ref_pic
        bits.signed()  # offset_for_top_to_bottom_field
        for _ in range(min(bits.unsigned(), 255)):
            bits.signed()
