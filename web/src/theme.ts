import { createTheme, type MantineColorsTuple, rem } from "@mantine/core";

const cobalt: MantineColorsTuple = [
  "#eef3ff", "#dce5ff", "#b9cafd", "#92adfb", "#6f8ff8", "#4f74f3", "#365ee8", "#2449cf", "#1d3aa6", "#162c7d",
];
const gray: MantineColorsTuple = [
  "#f6f7f9", "#eef0f3", "#e3e6ea", "#d3d8de", "#b4bcc6", "#8a94a1", "#68727f", "#4b545f", "#313840", "#1b2026",
];
const dark: MantineColorsTuple = [
  "#d6dae0", "#b3bac4", "#939ca8", "#67707c", "#3b434d", "#2a3038", "#20252b", "#171b20", "#101215", "#0a0c0e",
];

const small = { defaultProps: { size: "xs" } };

export const theme = createTheme({
  colors: { cobalt, gray, dark },
  primaryColor: "cobalt",
  primaryShade: { light: 7, dark: 6 },
  fontFamily: "'Inter Variable', system-ui, -apple-system, 'Segoe UI', sans-serif",
  fontFamilyMonospace: "ui-monospace, SFMono-Regular, Menlo, monospace",
  fontSizes: { xs: rem(13), sm: rem(13), md: rem(14), lg: rem(16), xl: rem(20) },
  defaultRadius: "md",
  radius: { xs: rem(3), sm: rem(5), md: rem(7), lg: rem(10), xl: rem(14) },
  cursorType: "pointer",
  focusRing: "auto",
  respectReducedMotion: true,
  components: {
    Button: { defaultProps: { size: "xs" }, styles: { label: { fontWeight: 550 } } },
    ActionIcon: { defaultProps: { variant: "subtle", color: "gray", size: "md" } },
    TextInput: small,
    PasswordInput: { defaultProps: { size: "sm" } },
    NumberInput: small,
    Select: small,
    NativeSelect: small,
    Checkbox: small,
    Textarea: { defaultProps: { size: "xs" } },
    SegmentedControl: { defaultProps: { size: "xs", withItemsBorders: false } },
    Menu: { defaultProps: { shadow: "md", radius: "md", position: "bottom-start" } },
    Popover: { defaultProps: { shadow: "md" } },
  },
});
