# The state holds the tokens and the certificate's key: keep it where only operators read it.
# PG_CONN_STR=postgres://USER:PASSWORD@HOST/DATABASE terraform init
terraform {
  backend "pg" {
    schema_name = "usher"
  }
}
