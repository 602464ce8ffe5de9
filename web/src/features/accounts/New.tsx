import { Button, SegmentedControl } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { Link, useBlocker, useNavigate } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { type Candidate, newIdempotencyKey } from "@/api/client";
import { ApiError, asApiError } from "@/api/errors";
import { createAccount, type NewAccount } from "@/api/queries/accounts";
import { useFields, useFieldWords } from "@/meta/fields";
import { FieldEdit } from "@/meta/FieldEdit";
import { LAYOUTS } from "@/meta/layouts";
import { sayDone } from "@/ui/say";
import { useErrorText } from "@/ui/States";
import { Candidates, LiveCandidates } from "./Candidates";

type Values = { [name: string]: unknown };

const PERSON_FIELDS = ["first_name", "last_name", "tax_number", "phone", "email", "billing"];

export default function AccountNew() {
  const { t } = useTranslation();
  const [kind, setKind] = useState("business");
  const [values, setValues] = useState<Values>({});
  const creating = useCreating();
  useBlocker({
    shouldBlockFn: () => !creating.isDone.current && Object.keys(values).length > 0 && !window.confirm(t("form.leave")),
    enableBeforeUnload: () => !creating.isDone.current && Object.keys(values).length > 0,
  });
  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    void creating.create({ ...values, kind });
  };
  return (
    <div className="page">
      <div className="page-head">
        <h1>{t("accounts.new")}</h1>
      </div>
      <div className="two">
        <form className="card form" onSubmit={submit} noValidate>
          <SegmentedControl aria-label={t("fields.kind")} value={kind} onChange={setKind} data={["business", "person"].map((value) => ({ value, label: t(`options.kind.${value}`) }))} style={{ justifySelf: "start" }} />
          <Refused error={creating.error} />
          <div className="inputs">
            <Inputs kind={kind} values={values} error={creating.error} onChange={(name, value) => setValues({ ...values, [name]: value })} />
          </div>
          <div className="row">
            <Button type="submit" loading={creating.isBusy}>
              {t("accounts.create")}
            </Button>
            <Button variant="default" component={Link} to="/accounts">
              {t("cancel")}
            </Button>
          </div>
        </form>
        <Aside values={{ ...values, kind }} creating={creating} />
      </div>
    </div>
  );
}

interface InputsProps {
  kind: string;
  values: Values;
  error: ApiError | undefined;
  onChange: (name: string, value: unknown) => void;
}

function Inputs({ kind, values, error, onChange }: InputsProps) {
  const fields = useFields("account");
  const names = kind === "person" ? PERSON_FIELDS : LAYOUTS.account.form;
  const shown = names.flatMap((name) => fields.find((field) => field.name === name) ?? []);
  return shown.map((field) => (
    <FieldEdit key={field.name} field={field} value={values[field.name]} error={error?.fields[field.name]?.detail} onChange={(value) => onChange(field.name, value)} />
  ));
}

/** The summary on top of a form that was refused; each field says its own part as well. */
function Refused({ error }: { error: ApiError | undefined }) {
  const text = useErrorText();
  const fields = useFields("account");
  const words = useFieldWords();
  if (!error || isDuplicate(error)) return null;
  const named = Object.keys(error.fields).flatMap((name) => fields.find((field) => field.name === name) ?? []);
  return (
    <div role="alert" className="notice" style={{ "--c": "var(--red)" } as React.CSSProperties}>
      {[text(error), named.map((field) => words.label(field)).join(", ")].filter(Boolean).join(" ")}
    </div>
  );
}

function isDuplicate(error: ApiError): boolean {
  return error.code === "duplicate_blocked" || error.code === "duplicate_confirm";
}

type Creating = ReturnType<typeof useCreating>;

function Aside({ values, creating }: { values: Values; creating: Creating }) {
  const { t } = useTranslation();
  const { error } = creating;
  if (!error || !isDuplicate(error)) return <LiveCandidates values={values} />;
  const candidates = (error.problem.candidates ?? []) as Candidate[];
  const hidden = Number(error.problem.hidden_matches ?? 0);
  const token = error.problem.token as string | undefined;
  return (
    <Candidates title={t(`errors.code.${error.code}`)} candidates={candidates} hidden={hidden} isAlert>
      {token && (
        <Button variant="default" loading={creating.isBusy} onClick={() => void creating.create({ ...values, duplicate_token: token })}>
          {t("duplicates.create_anyway")}
        </Button>
      )}
    </Candidates>
  );
}

function useCreating() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const navigate = useNavigate();
  const request = useRef({ body: "", key: "" });
  const isDone = useRef(false);
  const running = useRef(false);
  const [state, setState] = useState<{ isBusy: boolean; error?: ApiError }>({ isBusy: false });
  const create = async (values: Values) => {
    if (running.current) return;
    running.current = true;
    setState({ isBusy: true });
    const body = JSON.stringify(values);
    // The same form sent again is the same wish; a changed one is another.
    if (request.current.body !== body) request.current = { body, key: newIdempotencyKey() };
    try {
      const account = await createAccount(values as unknown as NewAccount, request.current.key);
      isDone.current = true;
      void client.invalidateQueries({ queryKey: ["accounts", "list"] });
      sayDone(t("accounts.created", { name: account.name }));
      await navigate({ to: "/accounts/$accountId", params: { accountId: account.id } });
    } catch (error) {
      setState({ isBusy: false, error: asApiError(error) });
    } finally {
      running.current = false;
    }
  };
  return { ...state, create, isDone };
}
