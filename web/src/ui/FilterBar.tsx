import { Button, CloseButton, Menu, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconChevronDown, IconSearch } from "@tabler/icons-react";
import { type RefObject, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import type { ListSearch } from "@/api/queries/lists";
import { useMe } from "@/auth/session";
import { type Field, type ObjectName, useFields, useFieldWords } from "@/meta/fields";
import { LAYOUTS } from "@/meta/layouts";
import { chosenValues, withValues } from "@/meta/search";

const TYPED = 150;

interface Props {
  object: ObjectName;
  search: ListSearch;
  onSearch: (search: ListSearch) => void;
  quickRef: RefObject<HTMLInputElement | null>;
}

export function FilterBar({ object, search, onSearch, quickRef }: Props) {
  const { t } = useTranslation();
  const fields = useFields(object);
  const chips = LAYOUTS[object].chips.flatMap((name) => fields.find((field) => field.name === name) ?? []);
  const isNarrowed = Boolean(search.f?.length);
  return (
    <div className="list-bar" role="search">
      <Quick search={search} onSearch={onSearch} inputRef={quickRef} />
      <MineChip search={search} onSearch={onSearch} />
      {chips.map((field) => (
        <Chip key={field.name} field={field} search={search} onSearch={onSearch} />
      ))}
      {isNarrowed && (
        <Button variant="subtle" color="gray" onClick={() => onSearch({ ...search, f: undefined })}>
          {t("list.clear")}
        </Button>
      )}
    </div>
  );
}

function Quick({ search, onSearch, inputRef }: { search: ListSearch; onSearch: Props["onSearch"]; inputRef: Props["quickRef"] }) {
  const { t } = useTranslation();
  const [words, setWords] = useState(search.q ?? "");
  const tell = useDebouncedCallback((text: string) => onSearch({ ...search, q: text.trim() || undefined }), TYPED);
  useEffect(() => {
    // Back and forward in the browser change the address, not what is being typed.
    if (document.activeElement !== inputRef.current) setWords(search.q ?? "");
  }, [search.q, inputRef]);
  const change = (text: string) => {
    setWords(text);
    tell(text);
  };
  return (
    <TextInput
      ref={inputRef}
      type="search"
      w={260}
      miw={180}
      leftSection={<IconSearch size={15} aria-hidden />}
      rightSection={words ? <CloseButton size="sm" aria-label={t("list.clear_words")} onClick={() => change("")} /> : undefined}
      aria-label={t("list.quick")}
      placeholder={t("list.quick")}
      value={words}
      onChange={(event) => change(event.currentTarget.value)}
      onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()}
    />
  );
}

function MineChip({ search, onSearch }: { search: ListSearch; onSearch: Props["onSearch"] }) {
  const { t } = useTranslation();
  const me = useMe();
  const isOn = chosenValues(search.f, "owner_id").includes(me.id);
  const turn = () => onSearch({ ...search, f: withValues(search.f, "owner_id", isOn ? [] : [me.id], "eq") });
  return (
    <button type="button" className="plain chip" aria-pressed={isOn} data-on={isOn} onClick={turn}>
      {t("list.mine")}
    </button>
  );
}

function Chip({ field, search, onSearch }: { field: Field; search: ListSearch; onSearch: Props["onSearch"] }) {
  const words = useFieldWords();
  const operator = field.kind === "list" ? "contains" : "in";
  const chosen = chosenValues(search.f, field.name);
  const toggle = (value: string) => {
    const others = operator === "contains" ? [] : chosen.filter((each) => each !== value);
    const values = chosen.includes(value) ? others : [...others, value];
    onSearch({ ...search, f: withValues(search.f, field.name, values, operator) });
  };
  const said = chosen.map((value) => words.option(field, value)).join(", ");
  return (
    <Menu closeOnItemClick={false}>
      <Menu.Target>
        <button type="button" className="plain chip" data-on={chosen.length > 0}>
          {words.label(field)}
          {said && <b>{said}</b>}
          <IconChevronDown size={14} aria-hidden />
        </button>
      </Menu.Target>
      <Menu.Dropdown mah={320} style={{ overflow: "auto" }}>
        {field.options.map((option) => (
          <Menu.CheckboxItem key={option.value} checked={chosen.includes(option.value)} onChange={() => toggle(option.value)}>
            {words.option(field, option.value)}
          </Menu.CheckboxItem>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
