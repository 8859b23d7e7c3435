"""The counter (柜台): a cashier takes money, keeps a till by shifts (班次), banks the cash."""
